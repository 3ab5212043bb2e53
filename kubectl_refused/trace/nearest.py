"""Nearest misses: which name or label was probably meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from kubectl_refused.model.objects import Labels

# Characters that people and fonts confuse.
_CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": "-", ".": "-"})


def likeness(wanted: str, found: str) -> float:
    """0 to 1: 1 for the same, 0.97 where only case or look-alike characters differ, else how alike."""
    if wanted == found:
        return 1.0
    if wanted.lower().translate(_CONFUSED) == found.lower().translate(_CONFUSED):
        return 0.97
    return SequenceMatcher(None, wanted.lower(), found.lower()).ratio()


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
