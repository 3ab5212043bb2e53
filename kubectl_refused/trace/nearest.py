"""Nearest misses: which name or label was probably meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kubectl_refused.errors import shown

if TYPE_CHECKING:  # who mistypes an option is told the nearest one, and no object is about
    from kubectl_refused.model.objects import Labels, LabelSelector

MOST_CHARACTERS = 253  # the longest name of an object; what is typed may be longer
KEPT = 4096  # pairs: the pods of a workload have one label, and are all compared
# A label that is this alike is a slip of the pen: case, 0 and o, one letter of six.
ALIKE = 0.8
# Characters that people and fonts confuse.
_CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": "-", ".": "-"})


@lru_cache(maxsize=KEPT)
def likeness(wanted: str, found: str) -> float:
    """0 to 1: 1 for the same, 0.97 where only case or look-alike characters differ, 0.96 where two neighbours have
    changed places, else how alike."""
    if wanted == found:
        return 1.0
    if wanted.lower().translate(_CONFUSED) == found.lower().translate(_CONFUSED):
        return 0.97
    if _swapped(wanted.lower(), found.lower()):
        return 0.96
    return SequenceMatcher(None, wanted.lower(), found.lower()).ratio()


def _swapped(one: str, other: str) -> bool:
    """`shpo` for `shop`."""
    differ = [place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]]
    if len(one) != len(other) or len(differ) != 2 or differ[1] - differ[0] != 1:
        return False
    first, second = differ
    return (one[first], one[second]) == (other[second], other[first])


def did_you_mean(wanted: str, names: Iterable[str], otherwise: str, before: str = "") -> str:
    """What to type instead of a name that is not there; `before` the name found stands what names its kind."""
    near = nearest(wanted[:MOST_CHARACTERS], names)
    return f"did you mean {before}{shown(near)}?" if near else otherwise


def nearest(wanted: str, names: Iterable[str], least: float = 0.6) -> str | None:
    """The name most like `wanted`, or None where none is at least that alike."""
    best = max(sorted(names), key=lambda name: likeness(wanted, name), default=None)
    return best if best is not None and likeness(wanted, best) >= least else None


def label_likeness(selector: Labels, labels: Labels | None) -> float:
    """How near labels come to a selector, 0 to 1: each pair counts, a like value under the same key nearly fully.

    A key that is missing may stand under another, like name (`app` for `app.kubernetes.io/name`).
    """
    have = labels or {}
    if not selector:
        return 0.0
    total = 0.0
    for key, value in selector.items():
        if key in have:
            total += likeness(value, have[key]) if have[key] != value else 1.0
        else:
            total += max((0.8 * likeness(value, v) * (v == value) for v in have.values()), default=0.0)
    return total / len(selector)


def label_difference(selector: Labels, labels: Labels | None) -> dict[str, tuple[str | None, str | None]]:
    """Where labels differ from a selector: {key: (wanted, found)}, None where the key is missing."""
    have = labels or {}
    return {key: (value, have.get(key)) for key, value in selector.items() if have.get(key) != value}


class Slip(NamedTuple):
    """A selector and labels that were to fit: how they differ, and the matchLabels that do fit."""

    differs: dict[str, tuple[str | None, str | None]]
    meant: Labels
    told: str

    @property
    def written(self) -> str:
        """`app=web`: what of the selector must change, as it must read."""
        return ", ".join(f"{key}={value}" for key, value in self.meant.items() if self._is_new(key))

    def _is_new(self, key: str) -> bool:
        return key in self.differs or any(found is None for _, found in self.differs.values())


def label_slip(selector: LabelSelector | None, labels: Labels | None) -> Slip | None:
    """Where every label that differs is a look-alike, or stands with its value under another key."""
    wanted = (selector.match_labels if selector and not selector.match_expressions else None) or {}
    have, meant, told = labels or {}, dict[str, str](), []
    differs = label_difference(wanted, have)
    for key, value in wanted.items():
        other = key if key in have else next((k for k, v in sorted(have.items()) if v == value), None)
        if other is None or likeness(value, have[other]) < ALIKE:
            return None
        meant[other] = have[other]
        if other != key:
            told.append(f"{key} is no label of it, {other} is {value}")
        elif key in differs:
            told.append(f"{key} is {have[key]}, not {value}")
    return Slip(differs, meant, ", ".join(told)) if differs else None
