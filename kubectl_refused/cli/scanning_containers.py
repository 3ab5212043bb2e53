"""`refused scan docker`: every container of an engine, read at once and diagnosed together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TextIO

from kubectl_refused.engine.source import EVERY
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.report import Report
from kubectl_refused.model.snapshot import fold
from kubectl_refused.model.target import Target
from kubectl_refused.trace.engine_objects import ports_of

from .docker_ground import DockerGround
from .request import Request, Scanning
from .run import DiagnosisJob

Say = Callable[[str], None]


class ContainerScanJob(DiagnosisJob):
    """The scan as supervise.Job."""

    def __init__(self, request: Request, out: TextIO) -> None:
        super().__init__(request, out, DockerGround)

    def _progress(self) -> AbstractContextManager[Say]:
        from .terminal import steps

        return steps(sys.stderr)

    def _survey(self, ground: Any, request: Request) -> Any:
        assert isinstance(ground, DockerGround)
        assert request.scan is not None
        return ContainerScan(ground, request.scan)


@dataclass(frozen=True)
class ContainerScan:
    """Every container of one engine."""

    ground: DockerGround
    scanning: Scanning

    def report(self, say: Say) -> Report:
        """Diagnose every container."""
        from kubectl_refused.judge.scanning import judged, scan_of
        from kubectl_refused.pipeline import diagnose_all

        say("reading containers")
        ground = self.ground
        snapshot = fold(ground.source.read(EVERY), origin=ground.source.origin)
        containers = sorted(snapshot.containers(), key=lambda one: one.called)
        prober = ground.prober(EVERY, say)
        told = diagnose_all(
            [Target(one.called, "", None, "Container") for one in containers],
            snapshot,
            prober,
            depth=ground.depth,
            context=ground.context,
            say=say,
            ignores=self.scanning.ignores,
        )
        quiet = dict(idle(containers))
        return scan_of(
            [judged(one, snapshot, quiet) for one in told],
            snapshot,
            context=ground.context,
            namespace="",
            selector="",
            fail_on=self.scanning.fail_on,
            notices=[*self.scanning.notices, *prober.notices],
            touched=ground.ledger.entries,
        )


def idle(containers: list[EngineContainer]) -> Iterator[tuple[str, str]]:
    """Containers that nobody is to reach from the host, and why: by their own account, not by a fault."""
    for one in containers:
        if one.state.status == "exited" and one.state.exit_code == 0 and not _starts_again(one):
            yield f"docker/{one.called}", "it has done its work, and exited with code 0"
        elif one.state.status == "running" and not any(port.places for port in ports_of(one)):
            yield f"docker/{one.called}", "it publishes no port"


def _starts_again(container: EngineContainer) -> bool:
    return container.host_config.restart_policy.name in ("always", "unless-stopped")
