"""Names of hosts as short as they stay apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def shortened(names: Sequence[str]) -> tuple[str, ...]:
    """Without their domains where all stay different: nodes of clouds share `.eu-central-1.compute.internal`."""
    first = tuple(name.partition(".")[0] for name in names)
    return first if all(first) and len(set(first)) == len(set(names)) else tuple(names)
