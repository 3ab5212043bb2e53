"""A source and a learner that tell what a Transcript holds, and that the rest is not in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_refused.model.facts import FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Snapshot
from kubectl_refused.model.target import Target, Vantage

from .transcript import Learnt, Recording, Transcript


class ReplayedSource:
    """The objects of a Recording's targets."""

    def __init__(self, recording: Recording) -> None:
        self.origin = recording.origin
        self._read = {one.target: one.read for one in recording.transcripts}

    def read(self, target: Target) -> Iterable[Change]:
        """The changes that were read for this target."""
        return self._read[target]


class ReplayedLearner:
    """The facts of one Transcript. Its vantages are those of the latest round that was asked about."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._known: dict[Need, tuple[Learnt, int]] = {
            one.need: (one, number) for number, part in enumerate(transcript.rounds) for one in part.learnt
        }
        self._latest = -1

    @property
    def notices(self) -> Sequence[Gap]:
        """What had to be told in any case."""
        return self._transcript.notices

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, object]]:
        """The value or Gap that was learnt then; a newer version may ask for more."""
        return [(need, self._value(need)) for need in needs]

    def _value(self, need: Need) -> object:
        if need not in self._known:
            return Gap(need.fact.about, "the recording does not hold it")
        one, number = self._known[need]
        self._latest = max(self._latest, number)
        return one.value

    def vantages(self) -> tuple[Vantage, ...]:
        """Where the dials of each client started."""
        rounds = self._transcript.rounds
        return rounds[self._latest].vantages if self._latest >= 0 else self._transcript.vantages

    def gaps_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What single methods could not do for these needs."""
        return _once(gap for need in needs if need in self._known for gap in self._known[need][0].failed)

    def notices_about(self, needs: Iterable[Need]) -> list[Gap]:
        """What had to be told in any case to who asked for these needs."""
        return _once(gap for need in needs if need in self._known for gap in self._known[need][0].notices)


def _once(gaps: Iterable[Gap]) -> list[Gap]:
    return list(dict.fromkeys(gaps))
