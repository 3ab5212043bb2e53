"""Carry out a Request: connect or read files, diagnose each target, render, clean up."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import msgspec

from kubectl_refused.connection.errors import NotFound
from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.report import Diagnosis, Explanation, Report, Scan
from kubectl_refused.patterns import lazily
from kubectl_refused.resolve.standpoints import CONTAINER

from .exit_codes import NO_FAULT, exit_code
from .kubectl_command import kubectl_command
from .reports import check_reports, render, tell_all
from .request import Request
from .supervise import DEADLINE, supervise

if TYPE_CHECKING:
    from kubectl_refused.model.target import Target

    from .fixing import Fixing
    from .grounds import Ground
    from .surveys import Survey
    from .watching import Live

Reported = TypeVar("Reported", Diagnosis, Scan, Explanation)
_ENDS = "it ends by its own deadline"
# A ledger entry that kubectl can delete: kind/name, and where it is if that is not the target's namespace.
_DELETABLE = lazily(r"([a-z]+/[a-z0-9.-]+)(?: in namespace ([a-z0-9-]+))?")


def run(request: Request) -> int:
    """Diagnose and return the exit code; the report is on stdout, problems are lines on stderr."""
    if request.dry_run:
        from .dry_run import dry_run

        return dry_run(request)
    if request.recording:
        from .recording_jobs import ReplayJob

        return supervise(ReplayJob(request, sys.stdout), verbose=request.verbose)
    return supervise(DiagnosisJob(request, sys.stdout), verbose=request.verbose)


class DiagnosisJob:
    """A diagnosis as supervise.Job. `ground_of` makes the place it happens in."""

    def __init__(
        self, request: Request, out: TextIO, ground_of: Callable[[Request], Ground] | None = None
    ) -> None:
        self._request, self._out = request, out
        self._ground_of = ground_of or _ground_of
        self._ground: Ground | None = None
        self._undoing = threading.Lock()
        self._remaining: list[tuple[str, Callable[[Any], None]]] = []
        self._fixing: Fixing | None = None

    def work(self) -> int:
        """Diagnose every target, clean up, and render the report; with --fix mend and render what came of it."""
        check_reports(self._request)
        if self._request.watch:
            return self._watch()
        if self._request.fix:
            _check_terminal(self._request, self._talk)
        report = self._report(self._request)
        if not self._request.fix or self._talk is self._out:
            self._render(report)
        if self._request.fix:
            report = self._mended(report)
            if self._talk is not self._out:
                self._render(report)
        code = NO_FAULT if self._request.exit_zero else exit_code(report)
        return tell_all(report, self._request, code)

    def cancel(self) -> None:
        """End all requests and streams of the running work."""
        if self._ground is not None:
            self._ground.cancel()

    def clean_up(self, deadline: float) -> None:
        """Undo what the ledger still holds, over a connection of its own: the first one may be cancelled."""
        ground = self._ground
        if ground is None:
            return
        with self._undoing:
            self._remaining += ground.ledger.take_undos()
            connection = ground.spare_connection() if self._remaining else None
            for entry in list(self._remaining):
                if time.monotonic() < deadline and _undone(entry[1], connection):
                    self._remaining.remove(entry)

    def going(self) -> Sequence[str]:
        """What may still run in a client's container; a command there outlives its stream."""
        return self._ground.ledger.still_going if self._ground else ()

    def left(self) -> Sequence[str]:
        """`kubectl delete …` for everything whose undoing has not succeeded."""
        if self._ground is None:
            return ()
        remaining = [what for what, _ in [*self._remaining, *self._ground.ledger.take_undos()]]
        namespace = self._request.connection.namespace or self._ground.namespace
        start = f"{kubectl_command(self._request.connection)} delete -n"
        undos = self._fixing.left() if self._fixing else ()
        left = [_deletion(start, what, namespace) for what in dict.fromkeys(remaining)]
        return [*left, *undos]

    @property
    def _talk(self) -> TextIO:
        """Where --fix shows its diff and asks: beside the report, or on stderr where that is data."""
        return self._out if self._request.output in ("", "wide") else sys.stderr

    def _report(self, request: Request) -> Report:
        """Diagnose, and clean up. Every diagnosis of a run has a ground of its own, and all share one ledger."""
        ground = self._ground_of(request)
        if self._ground is not None:
            ground.ledger = self._ground.ledger
        self._ground = ground
        try:
            report = self._diagnose(ground, request)
        finally:
            ground.close()
        self.clean_up(time.monotonic() + DEADLINE)
        return self._as_it_ended(report)

    def _watch(self) -> int:
        """Tell it again and again, until somebody interrupts; then supervise.py cleans up."""
        from .watching import live_view

        ground = self._ground = self._ground_of(self._request)
        live_view(self._live(ground), self._render, self._seen, self._out)
        return NO_FAULT

    def _live(self, ground: Ground) -> Live:
        """What tells it anew."""
        from .watching import Rereading

        return Rereading(self._survey(ground, self._request), ground)

    def _seen(self, report: Report) -> None:
        """What is to be done with each report of a watch, also with one that is not told."""

    def _mended(self, report: Report) -> Report:
        from .fixing import Fixing

        ground = self._ground
        assert ground is not None

        def again(target: Target) -> Diagnosis:
            new = self._report(msgspec.structs.replace(self._request, targets=(target,)))
            assert isinstance(new, Diagnosis)
            return new

        self._fixing = Fixing(
            self._talk,
            yes=self._request.yes,
            connection=self._connection,
            ledger=ground.ledger,
            again=again,
            show=self._render if self._talk is self._out else None,
        )
        return self._fixing.mend(report, ground.targets())

    def _connection(self) -> Any:
        """That of the newest diagnosis, which a cancel ends; files have none, and nothing to mend either."""
        return getattr(self._ground, "connection", None)

    def _diagnose(self, ground: Ground, request: Request) -> Report:
        with self._progress() as say:
            survey = self._survey(ground, request)
            if request.wait is None:
                return survey.report(say)
            from .waiting import Waiting

            return Waiting(survey, ground, request.wait, sys.stderr).report(say)

    def _progress(self) -> AbstractContextManager[Callable[[str], None]]:
        """What shows how far the work is."""
        from .terminal import steps

        return steps(sys.stderr)

    def _survey(self, ground: Ground, request: Request) -> Survey:
        from .surveys import TargetsSurvey

        return TargetsSurvey(ground, single=len(request.targets) == 1)

    def _as_it_ended(self, report: Report) -> Report:
        """The report with what could not be deleted told as such: it was made before the clean-up."""
        left = {what for what, _ in self._remaining}
        if not left:
            return report
        if isinstance(report, Diagnosis):
            return _with_left(report, left)
        if isinstance(report, Scan):
            return _with_left(report, left)
        if isinstance(report, Explanation):
            return _with_left(report, left)
        return msgspec.structs.replace(report, items=tuple(_with_left(item, left) for item in report.items))

    def _render(self, report: Report) -> None:
        render(report, self._request.output, self._out)
        self._out.flush()


def _deletion(start: str, what: str, namespace: str) -> str:
    found = _DELETABLE.fullmatch(what)
    return f"{start} {shlex.quote(found[2] or namespace)} {found[1]}" if found else what


def _ground_of(request: Request) -> Ground:
    kind = request.targets[0].kind if request.targets else "Service"
    if request.files and (kind == "Compose" or (not request.targets and all(map(_is_compose, request.files)))):
        from .compose_ground import ComposeGround

        return ComposeGround(request)
    if kind in ("Container", "Compose") or any(point.kind == CONTAINER for point in request.standpoints):
        from .docker_ground import DockerGround

        return DockerGround(request)
    if kind == "Address":
        from .url_ground import ground_of_urls

        return ground_of_urls(request)
    if request.files:
        from .dumps import files_ground

        return files_ground(request)
    from .grounds import ClusterGround

    return ClusterGround(request)


def _is_compose(path: str) -> bool:
    from kubectl_refused.sources.compose import is_compose

    return is_compose(path, _start_of_stdin() if path == "-" else b"")


def _start_of_stdin() -> bytes:
    """What stands there first, which stays to be read."""
    peek = getattr(sys.stdin.buffer, "peek", None)
    return peek() if peek else b""


def _check_terminal(request: Request, talk: TextIO) -> None:
    """Raise UsageProblem where --fix must ask and nobody could answer, before anything is done."""
    from .asking import may_ask

    if not request.yes and not may_ask(talk):
        raise UsageProblem("--fix asks before it changes anything, and there is no terminal", "add --yes to agree")


def _with_left(report: Reported, left: Set[str]) -> Reported:
    told = (
        msgspec.structs.replace(t, undone=f"could not be deleted; {_ENDS}") if t.what in left else t
        for t in report.touched
    )
    return msgspec.structs.replace(report, touched=tuple(told))


def _undone(undo: Callable[[Any], None], connection: Any) -> bool:
    """Whether the thing is gone now."""
    try:
        undo(connection)
    except NotFound:
        return True
    except Exception:
        return False
    return True
