"""What every source of objects is: a Protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from kubectl_refused.model.snapshot import Change
from kubectl_refused.model.target import Target


class Source(Protocol):
    """Where objects are read from. `origin` is cluster, files or dump, and ends in the Snapshot."""

    origin: str

    def read(self, target: Target) -> Iterable[Change]:
        """Yield the objects on the target's path, what was read (covered) and what could not be (gap)."""
        ...
