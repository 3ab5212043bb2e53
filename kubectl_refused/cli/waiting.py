"""`--wait`: until it works. The objects are watched; what no watch can tell is dialled, ever less often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from kubectl_refused.model.items import items_of
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, Report, Scan
from kubectl_refused.text import one_line

from .exit_codes import NO_FAULT, exit_code
from .grounds import ClusterGround, Ground
from .surveys import Survey
from .watcher import Watcher

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between dials or looks, while nothing changes


class Waiting:
    """Waits for a survey to find that all works, for at most `seconds`."""

    def __init__(self, survey: Survey, ground: Ground, seconds: float, errors: TextIO) -> None:
        assert isinstance(ground, ClusterGround)
        self._survey, self._ground, self._errors = survey, ground, errors
        self._until = time.monotonic() + seconds
        self._told = ""

    def report(self, say: Callable[[str], None]) -> Report:
        """The first report that is well, or the one at the deadline."""
        pause, dialled = FIRST_PAUSE, False
        with Watcher(self._ground.connection, self._survey.watched()) as watcher:
            while True:
                sight = self._survey.look(say)
                report = self._survey.report(say) if sight.ready else sight.report
                if sight.ready and works(report):
                    return report
                late = time.monotonic() >= self._until
                if late:
                    return report if sight.ready else self._survey.report(say)
                self._tell(why(report), say)
                pause = min(pause * 2, LONGEST_PAUSE) if sight.ready and dialled else FIRST_PAUSE
                dialled = sight.ready
                left = max(self._until - time.monotonic(), 0.0)
                watcher.wait(min(pause if sight.ready else LONGEST_PAUSE, left))
                if watcher.refused:
                    self._tell(f"looking now and then, as a watch is refused: {watcher.refused[0]}", say)

    def _tell(self, reason: str, say: Callable[[str], None]) -> None:
        """A line for each change of the reason, and the step on a terminal."""
        if reason != self._told:
            self._told = reason
            erase = "\r\x1b[K" if self._errors.isatty() else ""
            self._errors.write(f"{erase}waiting: {reason}\n")
            self._errors.flush()
        say("waiting for a change")


def works(report: Report) -> bool:
    """Whether there is nothing left to wait for: no fault, or all accepts as far as could be checked."""
    if exit_code(report) == NO_FAULT:
        return True
    if isinstance(report, Scan):
        return all(row.state in ("works", "idle", "ignored") for row in report.rows) and report.complete
    return all(item.root is None and item.outcome is Outcome.ACCEPTED for item in items_of(report))


def why(report: Report) -> str:
    """What is not there yet, in one line: of several the first, with how many there are."""
    if isinstance(report, Scan):
        late = [row for row in report.rows if row.state in ("broken", "unjudged")]
        if not late:
            return "no Service is there yet" if not report.rows else "endpoints are not ready yet"
        more = f"{len(late)} of {len(report.rows)} Services do not work yet; " if len(report.rows) > 1 else ""
        return one_line(f"{more}{late[0].target}: {late[0].says or late[0].outcome.value}")
    items = items_of(report)
    late_ones = [item for item in items if not works(item)] or list(items)
    more = f" (and {len(late_ones) - 1} more)" if len(late_ones) > 1 else ""
    return one_line(f"{_why(late_ones[0])}{more}")


def _why(diagnosis: Diagnosis) -> str:
    root = diagnosis.root
    if root is not None:
        return f"{diagnosis.target}: {root.headline or root.says}"
    gap = next(iter(diagnosis.gaps), None)
    ended = "its endpoints are not ready" if diagnosis.outcome is Outcome.UNTRIED else diagnosis.outcome.value
    return f"{diagnosis.target}: {ended}" + (f" ({gap.because or gap.what})" if gap else "")
