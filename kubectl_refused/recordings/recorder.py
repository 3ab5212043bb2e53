"""A source and a learner that pass on what others read and saw, masked, and keep it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kubectl_refused.decoders import converted
from kubectl_refused.model.facts import FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Snapshot
from kubectl_refused.model.target import Target, Vantage

from .forms import object_from, object_of, plain, value_type
from .masking import masked
from .transcript import Learnt, Round, Transcript

if TYPE_CHECKING:
    from kubectl_refused.pipeline import Learner
    from kubectl_refused.sources.base import Source


class RecordedSource:
    """What `source` reads, without secrets."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.origin = source.origin
        self.read_of: dict[Target, tuple[Change, ...]] = {}

    def read(self, target: Target) -> Iterable[Change]:
        """The changes, all at once: they are kept for the recording."""
        self.read_of[target] = tuple(_masked_change(change) for change in self._source.read(target))
        return self.read_of[target]


class RecordedLearner:
    """What `learner` learns for one target, without secrets. What it gives is in the order asked for."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._first = learner.vantages()
        self._rounds: list[Round] = []

    @property
    def notices(self) -> Sequence[Gap]:
        """What must be told in any case."""
        return [_masked_gap(gap) for gap in self._learner.notices]

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, object]]:
        """A value or a Gap for every need."""
        asked = tuple(dict.fromkeys(needs))
        found = dict(self._learner.learn(asked, snapshot, facts))
        learnt = [(need, _masked_value(need, found[need])) for need in asked if need in found]
        self._rounds.append(Round(tuple(Learnt(n, v) for n, v in learnt), self._learner.vantages()))
        return list(learnt)

    def vantages(self) -> tuple[Vantage, ...]:
        """Where the dials of each client start."""
        return self._learner.vantages()

    def gaps_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What single methods could not do for these needs."""
        return [_masked_gap(gap) for gap in self._learner.gaps_about(needs)]

    def notices_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What must be told in any case to who asked for these needs."""
        return [_masked_gap(gap) for gap in self._learner.notices_about(needs)]

    def transcript(self, target: Target, read: Sequence[Change]) -> Transcript:
        """All of it, once the diagnosis has ended."""
        rounds = tuple(Round(tuple(map(self._told, r.learnt)), r.vantages) for r in self._rounds)
        return Transcript(target, tuple(read), self._first, rounds, tuple(self.notices))

    def _told(self, one: Learnt) -> Learnt:
        failed, notices = self.gaps_about([one.need]), self.notices_about([one.need])
        return Learnt(one.need, one.value, tuple(failed), tuple(notices))


def _masked_change(change: Change) -> Change:
    if change.value is not None:
        kind, form = object_of(change.value)
        return Change(change.at, value=object_from(kind, masked(form)))
    return Change(change.at, gap=_masked_gap(change.gap)) if change.gap else change


def _masked_value(need: Need, value: Any) -> Any:
    if isinstance(value, Gap):
        return _masked_gap(value)
    return converted(masked(plain(value)), value_type(need.fact))


def _masked_gap(gap: Gap) -> Gap:
    return type(gap)(**masked({"what": gap.what, "because": gap.because, "remedy": gap.remedy}))
