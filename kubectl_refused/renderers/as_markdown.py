"""`-o markdown`: for a comment on a pull request, and for the summary of a GitHub step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.report import Diagnosis, Explanation, Hop, Report, Root, Scan, Step

from .base import Style
from .claims import kind_of
from .data import encodable
from .markdown_text import block, in_html, inline
from .paths import Standing
from .places import place_of
from .telling import (
    Told,
    changes_of,
    claim,
    gaps_of,
    line,
    notes_of,
    refusals_of,
    tellings,
    total,
    touched_of,
    verbatim,
)

LARGEST = 65_536  # characters of a comment: the database of GitHub takes no more
MOST_REFUSALS = 30
_ROOM = 200  # characters for what says that not all is told
SYMBOLS = {
    Standing.FAULT: "❌",
    Standing.OPEN: "⚠️",
    Standing.UNTRIED: "➖",
    Standing.IGNORED: "➖",
    Standing.WORKS: "✅",
}
_ARROWS = {"ok": "─✓─ ", "broken": "─✗─ ", "unknown": "─?─ ", "start": ""}


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write a comment; on a stream that cannot hold a character, by its number."""
    text = markdown(report, LARGEST)
    out.write(text if encodable(text, out.encoding) else text.encode("ascii", "xmlcharrefreplace").decode())


def markdown(report: Report, most: int) -> str:
    """The report in at most so many bytes: with details as far as they fit, then verdicts, then their number."""
    told = [one for paths in tellings(report) for one in paths]
    parts = [f"### {inline(sums)}\n\n"] if (sums := total(report)) else []
    parts += [f"- {inline(text)}\n" for text in refusals_of(report)[:MOST_REFUSALS]]
    parts += ["\n"] if refusals_of(report) else []
    room = most - _ROOM - _size(parts)
    for place, one in enumerate(told):
        last = place + 1 == len(told) or told[place + 1].diagnosis is not one.diagnosis
        short = f"{_verdict(one)}\n\n"
        rest = _rest(one.diagnosis) if last else []
        full = "\n".join(["\n".join(_path(one)).rstrip("\n"), *rest]).rstrip("\n") + "\n\n"
        part = full if _size([full]) <= room else short
        if _size([part]) > room:
            parts.append(f"… and {len(told) - place} more, which `-o wide` tells\n")
            break
        parts.append(part)
        room -= _size([part])
    whole = "\n".join(_rest(report)) if isinstance(report, Scan | Explanation) else ""
    parts += [whole] if _size([whole]) <= room else []
    return "".join(parts).rstrip("\n") + "\n" if parts else "no target\n"


def _size(parts: Sequence[str]) -> int:
    return sum(len(part.encode("utf-8", "replace")) for part in parts)


def _verdict(told: Told) -> str:
    return f"{SYMBOLS[told.standing]} **{inline(told.sentence)}**"


def _path(told: Told) -> list[str]:
    """The verdict, and unless it works or has been explained above, picture, fix and proof."""
    if told.repeated or told.standing in (Standing.WORKS, Standing.UNTRIED, Standing.IGNORED):
        return [_verdict(told)]
    diagnosis, root = told.diagnosis, told.path.root
    where = (f"namespace {diagnosis.namespace}" if diagnosis.namespace else "", diagnosis.context)
    context = " · ".join(inline(part) for part in (told.code, *where, told.path.vantage) if part)
    lines = [_verdict(told), "", f"<sub>{context}</sub>", ""]
    if told.path.rule and told.path.way:
        lines += [*block(whole(told.path.way)), ""]
    elif told.path.hops:
        lines += [*block(picture(told.path.hops)), ""]
    for fault in told.faults:
        lines += _remedy(fault.fix, "Fix" if fault is root else f"Then ({fault.code})")
    for fault in told.faults:
        lines += _proof(told, fault)
    return lines


def picture(hops: Sequence[Hop]) -> str:
    """A line per hop with its mark, and beneath the broken one why."""
    lines = []
    for hop in hops:
        lines.append(f"{_ARROWS[hop.status]}{line(hop.label, 120) or '?'}")
        if hop.note and hop.status in ("broken", "unknown"):
            lines.append(f"     {line(hop.note, 300)}")
    return "\n".join(lines)


def whole(way: Sequence[Step]) -> str:
    """The whole way, a line per step with whoever says so, and beneath the broken one why."""
    lines = []
    for step in way:
        told = line(": ".join(filter(None, (step.witness, step.says))), 160)
        lines.append(f"{_ARROWS[step.status]}{line(step.label, 120) or '?'}" + (f"   ({told})" if told else ""))
        if step.note not in ("", step.says) and step.status in ("broken", "unknown"):
            lines.append(f"     {line(step.note, 300)}")
    return "\n".join(lines)


def _remedy(fix: Fix | None, heading: str) -> list[str]:
    if fix is None:
        return []
    lines = [f"**{heading}:** {inline(fix.summary)}", ""]
    if fix.command:
        lines += [*block(verbatim(fix.command), "sh"), ""]
    if fix.owner and fix.owner not in fix.summary:
        lines += [f"Owner: {inline(fix.owner)}", ""]
    return lines


def _proof(told: Told, root: Root) -> list[str]:
    place = place_of(told.diagnosis, root)
    if not root.evidence and not place.real:
        return []
    says = in_html(f"{root.code} {root.name}, {root.certainty.value}: {root.says or root.headline}")
    lines = ["<details>", f"<summary>Proof: {says}</summary>", ""]
    if root.evidence:
        lines += ["| witness | what it saw |", "|---|---|"]
        lines += [f"| {kind_of(e)} | {inline(claim(e, told.name))} |" for e in root.evidence]
        lines.append("")
    if place.real:
        lines += [f"At {inline(f'{place.uri}:{place.line}')}", ""]
    return [*lines, "</details>", ""]


def _rest(told: Diagnosis | Scan | Explanation) -> list[str]:
    """What could not be checked and what was touched, folded."""
    lines: list[str] = []
    for heading, entries in (
        ("What changed last", changes_of(told)),
        ("Worth knowing", notes_of(told)),
        ("Not checked", gaps_of(told)),
        ("Touched in the cluster", touched_of(told)),
    ):
        if entries:
            lines += ["", "<details>", f"<summary>{heading} ({len(entries)})</summary>", ""]
            lines += [*(f"- {inline(entry)}" for entry in entries), "", "</details>"]
    return lines
