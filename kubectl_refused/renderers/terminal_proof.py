"""The proof of a fault, its one change, and the faults behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from kubectl_refused.model.evidence import (
    EventEvidence,
    Evidence,
    Fix,
    LogEvidence,
    NearestEvidence,
    ObjectEvidence,
    PacketEvidence,
    SocketEvidence,
    TrialEvidence,
    WitnessEvidence,
)
from kubectl_refused.model.report import Path, Root

from .data import encoded
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
    kind = str(evidence.__struct_config__.tag)
    lines = wrap(pen.text(_told(evidence, asked, wide=pen.wide)), width - _KINDS)
    if not pen.wide:
        lines = clip(lines, _LINES, pen.fold("…"))
    first, *rest = lines or ["-"]
    return [pen.paint(kind.ljust(_KINDS), "dim") + first, *(" " * _KINDS + line for line in rest)]


def _told(evidence: Evidence, asked: str, *, wide: bool) -> str:
    """The claim, with its subject where it does not name it; in the wide form with its witness and field."""
    says = " ".join(filter(None, (_claim(evidence), *_details(evidence, wide))))
    subject = evidence.subject.rpartition("/")[2]
    named = subject in says or subject in asked
    told = [] if named else [evidence.subject]
    told += [f"by {evidence.witness}"] if wide and evidence.witness else []
    return f"{says} ({', '.join(told)})" if told else says


def _claim(evidence: Evidence) -> str:
    match evidence:
        case LogEvidence():
            return evidence.says if evidence.line in evidence.says else f"{evidence.says}: {evidence.line}"
        case EventEvidence():
            return evidence.says if evidence.reason in evidence.says else f"{evidence.reason}: {evidence.says}"
        case NearestEvidence():
            return ": ".join(filter(None, (evidence.says, _differing(evidence))))
        case ObjectEvidence() | SocketEvidence() | PacketEvidence() | WitnessEvidence() | TrialEvidence():
            return evidence.says
        case _:
            assert_never(evidence)


def _differing(evidence: NearestEvidence) -> str:
    """`tier=core is wanted, tier=c0re found`, for the keys whose value found is not yet told."""
    told = []
    for key, (wanted, found) in evidence.differs.items():
        if (found or key) not in evidence.says:
            told.append(f"{_pair(key, wanted)} is wanted, {_pair(key, found)} found")
    return "; ".join(told)


def _pair(key: str, value: str | None) -> str:
    return f"no {key}" if value is None else f"{key}={value}"


def _details(evidence: Evidence, wide: bool) -> Iterator[str]:
    if wide and isinstance(evidence, ObjectEvidence) and evidence.field:
        yield f"[{evidence.field}: {encoded(evidence.value).decode()}]"


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
        told = f"{dial.address} {dial.outcome.value} after {dial.seconds * 1000:.1f} ms, {dial.witness}{rejected}"
        lines += wrap(pen.text(told), width)
    return pen.section("dials", lines)
