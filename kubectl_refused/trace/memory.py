"""What causes said of a scene, kept until a fact is learnt at which they looked: nothing else of it changes. Pure.

A target is ruled in rounds, with a few more facts in each. Most causes looked at none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from kubectl_refused.causes import Cause
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import Need, Undecided
from kubectl_refused.model.scene import Scene

T = TypeVar("T")
Told = tuple[Finding, ...] | Undecided


def told_by(cause: Cause, view: Scene) -> Told:
    """What it finds of the view, or what it lacks. What it found before it noticed that is not told yet."""
    try:
        return tuple(cause.check(view))
    except Undecided as question:
        return question


@dataclass
class _Kept:
    """What one cause said, by the endpoint and pod of each view, and what it looked at for that."""

    told: dict[tuple[int, int], Told] = field(default_factory=dict)
    looked: set[Need] = field(default_factory=set)
    silent: bool = True


class Memory:
    """Of one scene, which must stay the same but for its facts; these note in `looked` what is looked at."""

    def __init__(self, looked: set[Need]) -> None:
        self._looked = looked
        self._for_views: frozenset[Need] = frozenset()
        self._kept: dict[str, _Kept] = {}

    def learnt(self, needs: Collection[Need]) -> None:
        """Forget what was said by who looked at one of these, and all where other views may be chosen now."""
        if self._for_views.isdisjoint(needs):
            self._kept = {code: one for code, one in self._kept.items() if one.looked.isdisjoint(needs)}
        else:
            self._kept.clear()

    def views(self, choose: Callable[[], T]) -> T:
        """The views that it chooses by the facts known now."""
        self._looked.clear()
        chosen = choose()
        self._for_views = frozenset(self._looked)
        return chosen

    def left(self, causes: Iterable[Cause]) -> list[Cause]:
        """Those that may have something to say: the others said nothing, and would not now."""
        kept = self._kept
        return [cause for cause in causes if cause.code not in kept or not kept[cause.code].silent]

    def told_by(self, cause: Cause, view: Scene) -> Told:
        """As `told_by`."""
        kept = self._kept.setdefault(cause.code, _Kept())
        # The parts of a scene are the same objects in every round.
        place = id(view.endpoint), id(view.pod)
        if place not in kept.told:
            self._looked.clear()
            kept.told[place] = told = told_by(cause, view)
            kept.looked |= self._looked
            kept.silent &= told == ()
        return kept.told[place]
