"""The ground of containers without Kubernetes: an engine, asked by its API."""

from __future__ import annotations

import contextlib

from kubectl_refused.engine.connect import connect
from kubectl_refused.engine.source import EngineSource

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

    def close(self) -> None:
        """Close the methods, then the connection."""
        super().close()
        with contextlib.suppress(Exception):
            self.connection.close()
