"""What causes said, kept until a fact is learnt at which they looked: nothing else of a Service's path changes. Pure.

A target is ruled in rounds, with a few more facts in each. Most causes looked at none of them.
"""

from __future__ import annotations

from collections.abc import Collection

from kubectl_refused.causes import Cause
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import FactStore, Need, Undecided
from kubectl_refused.model.scene import Scene

Told = tuple[Finding, ...] | Undecided


def told_by(cause: Cause, view: Scene) -> Told:
    """What it finds of the view, or what it lacks. What it found before it noticed that is not told yet."""
    try:
        return tuple(cause.check(view))
    except Undecided as question:
        return question


class Memory:
    """Of the scenes of one target, which must stay the same but for their facts."""

    def __init__(self) -> None:
        self._looked: set[Need] = set()
        self._told: dict[tuple[str, int, int, int], tuple[Told, frozenset[Need]]] = {}

    def watching(self, facts: FactStore) -> FactStore:
        """The same facts, in a store that notes which of them are looked at."""
        return FactStore(facts.known, facts.beyond, self._looked)

    def learnt(self, needs: Collection[Need]) -> None:
        """Forget what was said by who looked at one of these."""
        new = frozenset(needs)
        self._told = {key: one for key, one in self._told.items() if one[1].isdisjoint(new)}

    def told_by(self, cause: Cause, view: Scene, place: int) -> Told:
        """As `told_by`; `place` is the scene's among those of its target."""
        # The parts of a scene are the same objects in every round, and live as long as this does.
        key = (cause.code, place, id(view.endpoint), id(view.pod))
        known = self._told.get(key)
        if known is None:
            self._looked.clear()
            known = told_by(cause, view), frozenset(self._looked)
            self._told[key] = known
        return known[0]
