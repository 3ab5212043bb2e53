"""`scan --watch`: what was read is kept up to date, and only what a change concerns is judged anew.

Of a Service that works its row is kept and nothing else, so that memory is that of the objects read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from kubectl_refused.judge.scanning import Judged
from kubectl_refused.model.report import Report
from kubectl_refused.model.target import Depth
from kubectl_refused.sources.following import Following
from kubectl_refused.trace.affected import Place, affected

from .scanning import ScanSurvey
from .surveys import Say
from .watching import REFRESH

ALL_ANEW = (
    600.0  # seconds after which what works and has not changed is judged too; where that is dialled, REFRESH
)
MOST_ANEW = 20  # Services that are not well and are judged with a change elsewhere, in turns; all when it is quiet


class ScanWatch:
    """A scan for the length of a block. `judged` is how many Services the last report took."""

    def __init__(self, survey: ScanSurvey, clock: Callable[[], float] = time.monotonic) -> None:
        self._survey, self._clock = survey, clock
        self._following = Following(survey.source)
        self._found: dict[Place, Judged] = {}
        self._judged_at: dict[Place, float] = {}
        self._all_at = 0.0
        self.judged = 0

    def __enter__(self) -> ScanWatch:
        """Read the lists, and begin to watch them. Raises what a scan's reading raises."""
        self._following.__enter__()
        try:
            self._survey.check(self._following.snapshot)
        except BaseException:
            self._following.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._following.__exit__(kind, error, at)

    def wait(self, seconds: float) -> bool:
        """Wait for a change, for at most so long; whether there was one. Raises Cancelled."""
        return self._following.wait(seconds)

    def report(self, say: Say) -> Report:
        """Judge what is not known yet, what a change concerns, and in turns what is not well: others may have
        mended it."""
        before, changed = self._following.snapshot, self._following.take()
        snapshot = self._following.snapshot
        concerned = affected(before, snapshot, changed) if changed else set()
        anew = (before.coverage, before.gaps) != (snapshot.coverage, snapshot.gaps)  # what is known of all paths
        del before  # its indexes are as large as those that are made now
        targets = {(one.namespace, one.name): one for one in self._survey.targets(snapshot)}
        all_due = self._is_time() or anew
        due = [*targets] if all_due else self._due([*targets], concerned, quiet=not changed)
        prober = self._survey.ground.prober(self._survey.home, say)
        fresh = self._survey.judge([targets[place] for place in due], snapshot, prober, say, of_many=True)
        self._found.update(zip(due, fresh, strict=True))
        self._judged_at.update(dict.fromkeys(due, self._clock()))
        self._found = {place: self._found[place] for place in targets}
        self._judged_at = {place: self._judged_at[place] for place in targets}
        self.judged = len(due)
        return self._survey.told(self._found.values(), snapshot, prober)

    def _due(self, places: list[Place], concerned: set[Place], *, quiet: bool) -> list[Place]:
        """What is new or concerned, and of what is not well all where it is quiet, else who waited longest."""
        sick = [place for place in places if place in self._found and not self._found[place].well]
        waited = sick if quiet else sorted(sick, key=lambda place: self._judged_at[place])[:MOST_ANEW]
        chosen = {*waited, *concerned}
        return [place for place in places if place not in self._found or place in chosen]

    def _is_time(self) -> bool:
        """Whether everything is to be judged: what a dial tells no watch does."""
        now, dials = self._clock(), self._survey.ground.depth is not Depth.NONE
        if now - self._all_at < (REFRESH if dials else ALL_ANEW):
            return False
        self._all_at = now
        return True
