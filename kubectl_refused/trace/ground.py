"""The scenes of one target as its facts come in, and what the causes say of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.model.facts import FactStore, Need
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target, Vantage

from .ignores import Ignores
from .memory import Memory
from .rulings import Ruling, rule
from .scenes import scenes, with_siblings


class Ground:
    """One target seen from these places, for as many rounds as they stay the same.

    A Service's scenes come from objects alone, so only their facts change, and what the causes said is kept.
    Scenes of other targets come from facts too: they are made anew in every round.
    """

    def __init__(self, target: Target, snapshot: Snapshot, facts: FactStore, places: Sequence[Vantage]) -> None:
        self._target, self._snapshot, self._places = target, snapshot, tuple(places)
        self._looked: set[Need] = set()
        self._first = self._scenes(facts) if target.is_service else []
        self._memories = [Memory(self._looked) for _ in self._first]

    def holds(self, places: Sequence[Vantage]) -> bool:
        """Whether it is still seen from there."""
        return self._places == tuple(places)

    def learnt(self, needs: Collection[Need]) -> None:
        """Take notice of what is known since the last ruling."""
        for memory in self._memories:
            memory.learnt(needs)

    def ruled(self, facts: FactStore, ignores: Ignores) -> tuple[Ruling, ...]:
        """What all causes say, with these facts."""
        causes = catalogue(self._target.kind)
        if not self._target.is_service:
            return tuple(rule(scene, causes, ignores) for scene in with_siblings(self._scenes(facts)))
        watched = FactStore(facts.known, facts.beyond, self._looked)
        seen = with_siblings([replace(scene, facts=watched) for scene in self._first])
        remembered = zip(seen, self._memories, strict=True)
        return tuple(rule(scene, causes, ignores, memory) for scene, memory in remembered)

    def _scenes(self, facts: FactStore) -> list[Scene]:
        return [s for place in self._places for s in scenes(self._target, self._snapshot, facts, place)]
