"""Notes of the whole run: each said once, however many paths and endpoints show it."""

from __future__ import annotations

from collections.abc import Iterable

from kubectl_refused.model.report import Note
from kubectl_refused.trace.rulings import Found, Ruling

MOST_NOTES = 8


def notes(rulings: Iterable[Ruling]) -> tuple[Note, ...]:
    """By code, then in the order in which the paths tell them."""
    told: dict[tuple[str, str], Note] = {}
    for found in (f for ruling in rulings for f in ruling.notes):
        if not found.ignored:
            told.setdefault((found.cause.code, found.finding.says), _note(found))
    return tuple(sorted(told.values(), key=lambda note: note.code))[:MOST_NOTES]


def _note(found: Found) -> Note:
    finding = found.finding
    return Note(
        code=found.cause.code,
        name=found.cause.slug,
        certainty=finding.certainty,
        where=finding.where,
        says=finding.says,
        evidence=finding.evidence,
        advice=finding.fix.summary if finding.fix else "",
    )
