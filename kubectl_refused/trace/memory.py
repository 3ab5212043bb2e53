"""Which causes have nothing to say of a scene, until a fact is learnt at which they looked. Pure.

A target is ruled in rounds, with a few more facts in each. Most causes looked at none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from kubectl_refused.causes import Cause
from kubectl_refused.model.facts import Need

T = TypeVar("T")


class Memory:
    """Of one scene, which must stay the same but for its facts; these note in `looked` what is looked at."""

    def __init__(self, looked: set[Need]) -> None:
        self._looked = looked
        self._for_views: frozenset[Need] = frozenset()
        self._silent: dict[str, frozenset[Need]] = {}

    def learnt(self, needs: Collection[Need]) -> None:
        """Forget who looked at one of these, and everybody where other views may be chosen now."""
        if self._for_views.isdisjoint(needs):
            self._silent = {code: seen for code, seen in self._silent.items() if seen.isdisjoint(needs)}
        else:
            self._silent = {}

    def views(self, choose: Callable[[], T]) -> T:
        """The views that it chooses by the facts known now."""
        self._looked.clear()
        chosen = choose()
        self._for_views = frozenset(self._looked)
        return chosen

    def left(self, causes: Iterable[Cause]) -> Iterator[Cause]:
        """Those that may have something to say. Each is to be asked before the next one is taken."""
        for cause in causes:
            if cause.code not in self._silent:
                self._looked.clear()
                yield cause

    def silent(self, cause: Cause) -> None:
        """The one that was asked last said nothing of any view."""
        self._silent[cause.code] = frozenset(self._looked)
