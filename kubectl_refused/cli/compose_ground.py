"""The ground of compose files: nothing is dialled, created or asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from msgspec.structs import replace

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.base import Method
from kubectl_refused.sources.compose import ComposeSource
from kubectl_refused.sources.manifests import STDIN
from kubectl_refused.trace.nearest import nearest

from .local_ground import LocalGround
from .request import Request


class ComposeGround(LocalGround):
    """Services of compose files."""

    def __init__(self, request: Request) -> None:
        super().__init__(replace(request, probing=replace(request.probing, depth=Depth.NONE)))
        self.files = ComposeSource(request.files, sys.stdin.buffer if STDIN in request.files else None)
        self.source = self.files

    def targets(self) -> tuple[Target, ...]:
        """Those asked for, or every service. Raises ManifestProblem, UsageProblem for one that is not there."""
        services = self.files.services()
        for target in self._request.targets:
            if not any(one.name == target.name and target.namespace in ("", one.namespace) for one in services):
                meant = nearest(target.name, [one.name for one in services])
                raise UsageProblem(
                    f"there is no service {shown(target.name)} in {shown(', '.join(self._request.files))}",
                    f"did you mean compose/{meant}?" if meant else "",
                )
        return self._request.targets or services

    def methods(self) -> Sequence[Method]:
        """None: files answer nothing more."""
        return ()
