"""The proof of a fault, its one change, and the faults behind it."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.evidence import Evidence, Fix
from kubectl_refused.model.report import Path, Root

from .claims import kind_of, told
from .terminal_pen import Pen, cells, clip, wrap
from .terminal_words import HEDGES

_KINDS = 9  # the column of what a witness says: "sockets  "
_MOST = 10  # pieces of evidence before the wide form is pointed at
_LINES = 4  # of one piece of evidence


def proof(pen: Pen, root: Root, asked: str) -> list[str]:
    """The evidence, one witness beneath the other."""
    shown = root.evidence if pen.wide else root.evidence[:_MOST]
    width = pen.width - pen.column("proof")
    lines = [line for evidence in shown for line in _row(pen, evidence, asked, width)]
    left = len(root.evidence) - len(shown)
    if left:
        lines += wrap(pen.fold(f"… and {left} more: -o wide"), width)
    return pen.section("proof", lines)


def _row(pen: Pen, evidence: Evidence, asked: str, width: int) -> list[str]:
    kind = kind_of(evidence)
    lines = wrap(pen.text(told(evidence, asked, wide=pen.wide)), width - _KINDS)
    if not pen.wide:
        lines = clip(lines, _LINES, pen.fold("…"))
    first, *rest = lines or ["-"]
    return [pen.paint(kind.ljust(_KINDS), "dim") + first, *(" " * _KINDS + line for line in rest)]


def remedy(pen: Pen, fix: Fix) -> list[str]:
    """What to do: in words, as a command to copy, and where the change belongs if that is not said."""
    width = pen.width - pen.column("fix")
    lines = pen.section("fix", wrap(pen.text(fix.summary), width) or [pen.fold("run")][: bool(fix.command)])
    lines += _command(pen, fix.command or "")
    owner = "" if fix.owner and fix.owner in fix.summary else fix.owner or ""
    return lines + pen.section("owner", wrap(pen.text(owner), width))


def _command(pen: Pen, command: str) -> list[str]:
    """The command on lines of its own, never broken by us: a terminal's own wrapping is not copied.

    Several lines start in the first column, since a here-document's end must.
    """
    lines = pen.verbatim(command).strip("\n").split("\n")
    if len(lines) > 1:
        return lines
    fits = pen.column("fix") + cells(lines[0]) <= pen.width
    return [" " * (pen.column("fix") if fits else 2) + lines[0]] if lines[0].strip() else []


def behind(pen: Pen, chain: Sequence[Root]) -> list[str]:
    """The faults that show once this one is mended, in the order they must be."""
    width = pen.width - pen.column("then")
    shown = chain if pen.wide else chain[:_MOST]
    lines: list[str] = []
    for root in shown:
        lines += wrap(pen.text(f"{HEDGES[root.certainty]}{root.says or root.headline} ({root.code})"), width)
        if root.fix:
            lines += ["  " + line for line in wrap(pen.text(root.fix.summary), width - 2)]
    if len(chain) > len(shown):
        lines += wrap(pen.fold(f"… and {len(chain) - len(shown)} more: -o wide"), width)
    return pen.section("then", lines)


def dials(pen: Pen, path: Path) -> list[str]:
    """Every dial of the path, for the wide form."""
    width = pen.width - pen.column("dials")
    lines: list[str] = []
    for dial in path.dials:
        rejected = f", rejected by {dial.rejected_by}" if dial.rejected_by else ""
        line = f"{dial.address} {dial.outcome.value} after {dial.seconds * 1000:.1f} ms, {dial.witness}{rejected}"
        lines += wrap(pen.text(line), width)
    return pen.section("dials", lines)
