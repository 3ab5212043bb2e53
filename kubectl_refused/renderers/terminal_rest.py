"""What changed last, what is worth telling besides, what could not be checked, and what the run touched."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.report import Changed, Diagnosis, Explanation, GapTold, Note, Path, Scan, Touched

from .terminal_pen import Pen, wrap
from .terminal_words import unasked

MOST_NAMED = 3


def notes(pen: Pen, told: Sequence[Note]) -> list[str]:
    """What is no fault and good to know, and what helps; with its proof where all is wanted."""
    at = pen.column("not checked")
    lines: list[str] = []
    for note in told:
        said = [f"{note.says} ({note.code} {note.name})", note.advice]
        said += [f"{e.witness}: {e.says}" for e in note.evidence] if pen.wide else []
        lines += [line for text in said if text for line in wrap(pen.text(text), pen.width - at)]
    return pen.section("note", lines, at=at)


def gaps(pen: Pen, diagnosis: Diagnosis | Scan | Explanation, *, short: bool) -> list[str]:
    """What stayed unknown and why; `short` names it only."""
    known = diagnosis.gaps
    if not known and not diagnosis.complete:
        known = (GapTold(what="not all that this depth asks for", because="it could not be reached"),)
    at = pen.column("not checked")
    if short and not pen.wide:
        return pen.section("not checked", wrap(pen.text("; ".join(g.what for g in known)), pen.width - at))
    lines: list[str] = []
    for because, whats in _by_reason(known).items():
        told = "; ".join(filter(None, because))
        more = f" and {len(whats) - MOST_NAMED} more" if len(whats) > MOST_NAMED and not pen.wide else ""
        what = ", ".join(whats if pen.wide else whats[:MOST_NAMED]) + more
        lines += wrap(pen.text(f"{what}: {told}" if told else what), pen.width - at)
    return pen.section("not checked", lines)


def not_asked(pen: Pen, paths: Sequence[Path]) -> list[str]:
    """What would tell more than an accept, once for all that do no more."""
    if not any(map(unasked, paths)):
        return []
    says = "whether the app answers; --guess-protocol sends it a few bytes"
    return pen.section(
        "not asked", wrap(says, pen.width - pen.column("not checked")), at=pen.column("not checked")
    )


def changed(pen: Pen, news: Sequence[Changed]) -> list[str]:
    """What changed last on the path, when and by whom: beside the cause, so after its fix."""
    lines: list[str] = []
    for one in news:
        revision = f" (revision {one.revision})" if one.revision is not None else ""
        by = f" by {one.by}" if one.by else ""
        told = f"{one.what}  {one.says}, {_ago(one.age)}{by}{revision}"
        lines += wrap(pen.text(told), pen.width - pen.column("changed"))
    return pen.section("changed", lines)


def _ago(age: int) -> str:
    """`4 minutes ago`, in the largest unit of which there is a whole one."""
    if age < 10:
        return "a moment ago"
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if count := age // size:
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "a moment ago"


def _by_reason(known: Sequence[GapTold]) -> dict[tuple[str, str], list[str]]:
    """What is not known for one reason together: no pod of ten can be entered for the same."""
    together: dict[tuple[str, str], list[str]] = {}
    for gap in known:
        whats = together.setdefault((gap.because, gap.remedy), [])
        whats += [gap.what] if gap.what not in whats else []
    return together


def touched(pen: Pen, things: Sequence[Touched], *, short: bool) -> list[str]:
    """What the run made or ran in the cluster, and how it was undone; `short` on one line."""
    told = [", ".join(filter(None, (t.what, t.undone))) for t in things]
    at = pen.column("not checked")
    if short and not pen.wide:
        told = ["; ".join(told)]
    return pen.section(
        "touched", [line for entry in told for line in wrap(pen.text(entry), pen.width - at)], at=at
    )
