"""What could not be known, as a value with its reason."""

from __future__ import annotations

from msgspec import Struct


class Gap(Struct, frozen=True):
    """Something unread or untried: `what` names it, `because` says why, as one short clause each.

    `remedy` says what would close the gap (a right to grant, a flag to give), or is empty.
    """

    what: str
    because: str
    remedy: str = ""


class Aside(Gap, frozen=True):
    """It is worth telling, and nothing is less sure for it."""


class Absent(Gap, frozen=True):
    """It was looked for and is not there (404): the thing is missing, not the knowledge."""
