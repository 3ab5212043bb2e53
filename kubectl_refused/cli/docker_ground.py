"""The ground of containers without Kubernetes: an engine, asked by its API."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from kubectl_refused.engine.connect import EngineConnection, check_container, connect
from kubectl_refused.engine.dials import InContainer, InNetwork
from kubectl_refused.engine.exec_listeners import ExecListeners, HelperListeners
from kubectl_refused.engine.logs import EngineLogs
from kubectl_refused.engine.names import ContainerNames
from kubectl_refused.engine.proc_listeners import ProcListeners
from kubectl_refused.engine.source import EngineSource
from kubectl_refused.host.reads import HostReads
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import Method
from kubectl_refused.probes.clients import Client
from kubectl_refused.resolve.places import PODMAN
from kubectl_refused.resolve.standpoints import CONTAINER

from .local_ground import THIS_MACHINE, LocalGround
from .request import Request


class DockerGround(LocalGround):
    """Containers of one engine."""

    def __init__(self, request: Request) -> None:
        """Connect. Raises EngineProblem."""
        super().__init__(request)
        self._podman = any(target.scheme == PODMAN for target in request.targets)
        self.connection = connect(podman=self._podman)
        self.context = self.connection.endpoint
        others = [point.name for point in request.standpoints if point.kind == CONTAINER]
        for name in others:
            check_container(self.connection, name)
        self.source = EngineSource(self.connection, others)

    def methods(self) -> Sequence[Method]:
        """What reads sockets and logs."""
        return (
            ContainerNames(),
            InNetwork(),
            InContainer(),
            ProcListeners(),
            EngineLogs(),
            ExecListeners(),
            HelperListeners(),
            HostReads(),
        )

    def clients(self, target: Target) -> tuple[Client, ...]:
        """This machine, or the containers and this machine that --from names."""
        points = self._request.standpoints
        named = (Client(str(p), "container", name=str(p)) if p.kind == CONTAINER else THIS_MACHINE for p in points)
        return tuple(named) or (THIS_MACHINE,)

    def spare_connection(self) -> EngineConnection:
        """A second connection, for undo steps."""
        return connect(podman=self._podman)

    def close(self) -> None:
        """Close the methods, then the connection."""
        super().close()
        with contextlib.suppress(Exception):
            self.connection.close()
