"""What could not be checked, and what the run touched."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.report import Diagnosis, GapTold, Touched

from .terminal_pen import Pen, wrap


def gaps(pen: Pen, diagnosis: Diagnosis, *, short: bool) -> list[str]:
    """What stayed unknown and why; `short` names it only."""
    known = diagnosis.gaps
    if not known and not diagnosis.complete:
        known = (GapTold(what="not all that this depth asks for", because="it could not be reached"),)
    at = pen.column("not checked")
    if short and not pen.wide:
        return pen.section("not checked", wrap(pen.text("; ".join(g.what for g in known)), pen.width - at))
    lines: list[str] = []
    for gap in known:
        told = "; ".join(filter(None, (gap.because, gap.remedy)))
        lines += wrap(pen.text(f"{gap.what}: {told}" if told else gap.what), pen.width - at)
    return pen.section("not checked", lines)


def touched(pen: Pen, things: Sequence[Touched], *, short: bool) -> list[str]:
    """What the run made or ran in the cluster, and how it was undone; `short` on one line."""
    told = [", ".join(filter(None, (t.what, t.undone))) for t in things]
    at = pen.column("not checked")
    if short and not pen.wide:
        told = ["; ".join(told)]
    return pen.section(
        "touched", [line for entry in told for line in wrap(pen.text(entry), pen.width - at)], at=at
    )
