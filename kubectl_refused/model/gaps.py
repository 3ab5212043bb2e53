"""What could not be known, as a value with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gap:
    """Something unread or untried: `what` names it, `because` says why, as one short clause each.

    `remedy` says what would close the gap (a right to grant, a flag to give), or is empty.
    """

    what: str
    because: str
    remedy: str = ""


@dataclass(frozen=True)
class Absent(Gap):
    """It was looked for and is not there (404): the thing is missing, not the knowledge."""
