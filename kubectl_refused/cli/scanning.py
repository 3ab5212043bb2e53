"""A scan: every Service of a namespace or a cluster, read at once and diagnosed together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from kubectl_refused.causes.names import cause_called
from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.report import Report, Scan, ScanRow
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.near_names import instead_of
from kubectl_refused.sources.reads import segment
from kubectl_refused.sources.scan import ScanSource, listed
from kubectl_refused.text import one_line
from kubectl_refused.trace.ignores import ignored_names

from .grounds import ClusterGround, FilesGround, Ground
from .kubectl_command import kubectl_command
from .progress import Progress, scan_progress
from .reports import write_metrics
from .request import Request, Scanning
from .run import DiagnosisJob
from .surveys import Say, Sight, Survey, Watched

if TYPE_CHECKING:
    from kubectl_refused.judge.scanning import Judged
    from kubectl_refused.pipeline import Learner

    from .watching import Live


READING = "reading Services, EndpointSlices and pods"


class ScanJob(DiagnosisJob):
    """A scan as supervise.Job."""

    def __init__(self, request: Request, out: TextIO) -> None:
        super().__init__(request, out, _files_ground if request.files else ClusterGround)
        self._shown = Progress()

    @contextmanager
    def _progress(self) -> Iterator[Callable[[str], None]]:
        data = self._request.output not in ("", "wide")
        with scan_progress(sys.stderr, data=data) as self._shown:
            yield self._shown.say

    def _live(self, ground: Ground) -> Live:
        from .scan_watching import ScanWatch

        survey = self._survey(ground, self._request)
        assert isinstance(survey, ScanSurvey)
        return ScanWatch(survey)

    def _seen(self, report: Report) -> None:
        write_metrics(report, self._request)

    def _survey(self, ground: Ground, request: Request) -> Survey:
        if isinstance(ground, FilesGround):
            from .scanning_files import FilesScanSurvey

            return FilesScanSurvey(ground, request, self._shown)
        assert isinstance(ground, ClusterGround)
        if request.scan is not None and request.scan.skim:
            from .scan_skimming import SkimSurvey

            return SkimSurvey(ground, request, self._shown)
        return ScanSurvey(ground, request, self._shown)


@dataclass(frozen=True)
class ScanSurvey:
    """Every Service on one ground, which dials from one namespace: probe pods are shared by all of them."""

    ground: ClusterGround
    request: Request
    progress: Progress

    def report(self, say: Say) -> Report:
        """Diagnose every Service."""
        say(READING)
        snapshot = self._snapshot()
        prober = self.ground.prober(self.home, say)
        return self.told(self.judge(self.targets(snapshot), snapshot, prober, say), snapshot, prober)

    def look(self, say: Say) -> Sight:
        """What the objects tell of every Service; those that are idle on purpose keep nobody waiting."""
        from kubectl_refused.trace.readiness import is_ready

        snapshot, looker = self._snapshot(), self.ground.looker(self.home, say)
        found = self.judge(self.targets(snapshot), snapshot, looker, say, depth=Depth.NONE)
        scan = self.told(found, snapshot, looker)
        late = [r for r in scan.rows if r.state not in ("idle", "ignored") and not is_ready(_target(r), snapshot)]
        return Sight(not late, scan)

    def watched(self) -> Sequence[Watched]:
        """The three lists that it reads."""
        query = (("labelSelector", self._scanning.selector),) if self._scanning.selector else ()
        return (
            Watched(listed("services", "", self._namespace), query),
            Watched(listed("endpointslices", "discovery.k8s.io/v1", self._namespace)),
            Watched(listed("pods", "", self._namespace)),
        )

    @property
    def source(self) -> ScanSource:
        """What it reads."""
        return ScanSource(self.ground.connection, self._namespace, self._scanning.selector)

    @property
    def home(self) -> Target:
        """Where the scan dials from, as the target that probes ask for."""
        return Target("", self.ground.namespace, kubectl=kubectl_command(self.request.connection))

    def targets(self, snapshot: Snapshot) -> list[Target]:
        """Every Service that was read."""
        return targets_of(snapshot, kubectl_command(self.request.connection))

    def check(self, snapshot: Snapshot) -> None:
        """A scan that finds nothing, as the namespace is misspelt, must not pass. Raises UsageProblem."""
        if self._namespace and not any(True for _ in snapshot.services()):
            self._check_namespace()

    def judge(
        self,
        targets: Sequence[Target],
        snapshot: Snapshot,
        prober: Learner,
        say: Say,
        *,
        depth: Depth | None = None,
        of_many: bool = False,
    ) -> list[Judged]:
        """Diagnose these; `of_many`: they are some of a scan's."""
        from .scan_judging import ScanJudging

        judging = ScanJudging(
            snapshot,
            prober,
            depth or self.ground.depth,
            self.ground.context,
            self._scanning.ignores,
            say,
            self.progress.count,
        )
        return judging.judge(targets, of_many=of_many)

    def told(
        self, found: Iterable[Judged], snapshot: Snapshot, prober: Learner, unread: Iterable[Gap] = ()
    ) -> Scan:
        """The report; `unread` is what was left unread on purpose."""
        from kubectl_refused.judge.scanning import scan_of

        return scan_of(
            found,
            snapshot,
            context=self.ground.context,
            namespace=self._namespace,
            selector=self._scanning.selector,
            fail_on=self._scanning.fail_on,
            notices=[*self._scanning.notices, *unknown_names(snapshot), *unread, *prober.notices],
            touched=self.ground.ledger.entries,
        )

    @property
    def _scanning(self) -> Scanning:
        assert self.request.scan is not None
        return self.request.scan

    @property
    def _namespace(self) -> str:
        """The one scanned, empty for all."""
        given = self._scanning.namespace
        return self.ground.namespace if given is None else given

    def _snapshot(self) -> Snapshot:
        snapshot = self.source.snapshot()
        self.check(snapshot)
        return snapshot

    def _check_namespace(self) -> None:
        connection = self.ground.connection
        try:
            connection.get_bytes(f"/api/v1/namespaces/{segment(self._namespace)}")
        except NotFound:
            start = kubectl_command(self.request.connection)
            otherwise = f"see: {start} get namespaces"
            instead = instead_of(connection, "/api/v1/namespaces", self._namespace, otherwise)
            raise UsageProblem(f"there is no namespace '{self._namespace}'", instead) from None
        except (Forbidden, ApiProblem):
            return  # who may not read it is told so of what is in it


def _files_ground(request: Request) -> Ground:
    from .dumps import files_ground

    return files_ground(request)


def targets_of(snapshot: Snapshot, kubectl: str) -> list[Target]:
    """Every Service that was read, by namespace and name."""
    places = sorted((one.metadata.namespace, one.metadata.name) for one in snapshot.services())
    return [Target(name, namespace, kubectl=kubectl) for namespace, name in places]


def unknown_names(snapshot: Snapshot) -> Iterator[Gap]:
    """Annotations of Services that want something ignored which is no cause."""
    for service in snapshot.services():
        for name in ignored_names(service.metadata):
            if cause_called(name) is None:
                what = f"annotation of svc/{service.metadata.name}"
                yield Gap(
                    what,
                    f"'{one_line(name, 60)}' is no cause that could be ignored",
                    "see: kubectl refused causes",
                )


def _target(row: ScanRow) -> Target:
    return Target(row.target.removeprefix("svc/"), row.namespace)
