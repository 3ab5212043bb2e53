"""Judge the Services of a scan: most of them at first sight where nobody dials, the others by the whole way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_refused.judge.first_sight import well_at_first_sight
from kubectl_refused.judge.scanning import Judged, judged
from kubectl_refused.model.facts import Fact, FactStore
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import NOTHING_BEYOND, Count, Learner, diagnose_all
from kubectl_refused.probes.prober import Prober
from kubectl_refused.trace.ignores import Ignores

from .surveys import Say

TOGETHER = 1000  # Services that are judged at once where nobody dials


@dataclass(frozen=True)
class ScanJudging:
    """How the Services of one snapshot are judged. `count` is told how many of how many are done."""

    snapshot: Snapshot
    prober: Learner
    depth: Depth
    context: str
    ignores: Ignores
    say: Say
    count: Count

    def judge(self, targets: Sequence[Target], *, of_many: bool) -> list[Judged]:
        """Each in its turn; `of_many` where they are some of a scan's (pipeline.diagnose_all)."""
        total = len(targets)
        if self.depth is not Depth.NONE:
            return self._whole(targets, 0, total, of_many=of_many)
        facts = FactStore(beyond=beyond_of(self.prober))
        seen = well_at_first_sight(targets, self.snapshot, facts, self.prober.vantages(), self.ignores)
        first = list(seen)
        left, told = left_of(targets, first), list[Judged]()
        # In turns, so that what is kept of each is little.
        for start in range(0, len(left), TOGETHER):
            some, done = left[start : start + TOGETHER], total - len(left) + start
            told += self._whole(some, done, total, of_many=of_many or total > 1)
        return in_order(first, told)

    def _whole(self, targets: Sequence[Target], done: int, total: int, *, of_many: bool) -> list[Judged]:
        """By the whole way, once so many of all are done."""
        told = diagnose_all(
            targets,
            self.snapshot,
            self.prober,
            depth=self.depth,
            context=self.context,
            say=self.say,
            ignores=self.ignores,
            count=lambda judged, _: self.count(done + judged, total),
            beyond=beyond_of(self.prober),
            of_many=of_many,
        )
        return [judged(one, self.snapshot) for one in told]


def left_of(targets: Sequence[Target], first: Sequence[Judged | None]) -> list[Target]:
    """Those that first sight left open."""
    return [target for target, one in zip(targets, first, strict=True) if one is None]


def in_order(first: Sequence[Judged | None], rest: Iterable[Judged]) -> list[Judged]:
    """What first sight told, and in its gaps what the whole way did."""
    told = iter(rest)
    return [one or next(told) for one in first]


def beyond_of(prober: Learner) -> Mapping[Fact[Any], Gap]:
    """The facts that it cannot learn here, whatever they are about."""
    return prober.beyond() if isinstance(prober, Prober) else NOTHING_BEYOND
