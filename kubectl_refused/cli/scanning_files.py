"""`scan -f`: every Service in manifest files, in one table."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from kubectl_refused.model.report import Report
from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import Target
from kubectl_refused.resolve.selectors import parse_selector
from kubectl_refused.trace.labels import selects
from kubectl_refused.trace.only_live import NOT_CHECKED

from .grounds import FilesGround
from .progress import Progress
from .request import Request, Scanning
from .scanning import targets_of, unknown_names
from .surveys import Say, Sight, Watched


@dataclass(frozen=True)
class FilesScanSurvey:
    """The files' Services, of one namespace where one is named. Files neither change nor become ready."""

    ground: FilesGround
    request: Request
    progress: Progress

    def report(self, say: Say) -> Report:
        """Diagnose every Service. Raises ManifestProblem."""
        from kubectl_refused.judge.scanning import judged, scan_of
        from kubectl_refused.pipeline import diagnose_all

        say("reading files")
        scanning, namespace = self._scanning, self.request.connection.namespace or ""
        targets = self.ground.targets()
        snapshot = fold(self.ground.source.read(Target("", namespace)), origin=self.ground.source.origin)
        prober = self.ground.prober(Target("", namespace), say)
        asked = {(target.name, target.namespace) for target in targets}
        told = diagnose_all(
            [target for target in targets_of(snapshot, "kubectl") if self._wanted(target, asked, snapshot)],
            snapshot,
            prober,
            depth=self.ground.depth,
            say=say,
            ignores=scanning.ignores,
            count=self.progress.count,
            beyond=prober.beyond(),
        )
        return scan_of(
            [judged(one, snapshot) for one in told],
            snapshot,
            context="",
            namespace=namespace,
            selector=scanning.selector,
            fail_on=scanning.fail_on,
            notices=[*scanning.notices, *unknown_names(snapshot), NOT_CHECKED, *prober.notices],
            touched=(),
        )

    def look(self, say: Say) -> Sight:
        """The same: what files say is all there is to see."""
        return Sight(True, self.report(say))

    def watched(self) -> Sequence[Watched]:
        """Nothing."""
        return ()

    @property
    def _scanning(self) -> Scanning:
        assert self.request.scan is not None
        return self.request.scan

    def _wanted(self, target: Target, asked: Set[tuple[str, str]], snapshot: Snapshot) -> bool:
        service = snapshot.service(target.namespace, target.name)
        if service is None or (target.name, target.namespace) not in asked:
            return False
        return selects(parse_selector(self._scanning.selector), service.metadata.labels)
