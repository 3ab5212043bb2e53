"""The ground of containers without Kubernetes: an engine, asked by its API."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from kubectl_refused.engine.connect import EngineConnection, connect
from kubectl_refused.engine.exec_listeners import ExecListeners, HelperListeners
from kubectl_refused.engine.logs import EngineLogs
from kubectl_refused.engine.proc_listeners import ProcListeners
from kubectl_refused.engine.source import EngineSource
from kubectl_refused.probes.base import Method

from .local_ground import LocalGround
from .request import Request


class DockerGround(LocalGround):
    """Containers of one engine."""

    def __init__(self, request: Request) -> None:
        """Connect. Raises EngineProblem."""
        super().__init__(request)
        self.connection = connect()
        self.context = self.connection.endpoint
        self.source = EngineSource(self.connection)

    def methods(self) -> Sequence[Method]:
        """What reads sockets and logs."""
        return (ProcListeners(), EngineLogs(), ExecListeners(), HelperListeners())

    def spare_connection(self) -> EngineConnection:
        """A second connection, for undo steps."""
        return connect()

    def close(self) -> None:
        """Close the methods, then the connection."""
        super().close()
        with contextlib.suppress(Exception):
            self.connection.close()
