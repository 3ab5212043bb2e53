"""The picture of a path: its hops on one line, the broken one marked and its note beneath."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.report import Hop, Step

from .terminal_pen import Pen, cells, clip, wrap

_ARROWS = {"ok": ("─✓─", "green"), "broken": ("─✗─", "red"), "unknown": ("─?─", "yellow"), "start": ("", "")}
_INDENT = 2
_ARROW = 4  # cells of a sign and the blank behind it
_LONGEST_LABEL = 48


def picture(pen: Pen, hops: Sequence[Hop]) -> list[str]:
    """One line and the notes beneath it; where that is too long, one line per hop."""
    if not hops:
        return []
    width = _INDENT - 1
    for hop in hops:
        arrow, label = _parts(pen, hop)
        width += sum(cells(part) + 1 for part in (arrow, label) if part)
    return _across(pen, hops) if width <= pen.width else _down(pen, hops)


def _parts(pen: Pen, hop: Hop) -> tuple[str, str]:
    return pen.fold(_ARROWS[hop.status][0]), pen.text(hop.label, 120) or "?"


def _note(pen: Pen, hop: Hop) -> str:
    """What is written beneath a hop: why it breaks or is not known; in the wide form every hop's note."""
    return pen.text(hop.note, 300) if pen.wide or hop.status in ("broken", "unknown") else ""


def _across(pen: Pen, hops: Sequence[Hop]) -> list[str]:
    line, at, notes = " " * (_INDENT - 1), _INDENT - 1, []
    for hop in hops:
        arrow, label = _parts(pen, hop)
        notes.append((at + 1, hop))
        for part, hue in ((arrow, _ARROWS[hop.status][1]), (label, "bold" if hop.status == "broken" else "")):
            if part:
                line += " " + pen.paint(part, hue)
                at += 1 + cells(part)
    return [line, *(told for start, hop in notes for told in _beneath(pen, hop, start))]


def _beneath(pen: Pen, hop: Hop, start: int) -> list[str]:
    """The note under its arrow, moved left as far as one line needs."""
    note = _note(pen, hop)
    if not note:
        return []
    at = max(2 * _INDENT, min(start, pen.width - cells(note)))
    return [" " * at + pen.paint(line, _ARROWS[hop.status][1]) for line in wrap(note, pen.width - at)]


def _down(pen: Pen, hops: Sequence[Hop]) -> list[str]:
    lines: list[str] = []
    for hop in hops:
        arrow, label = _parts(pen, hop)
        hue = _ARROWS[hop.status][1]
        lead = " " * (2 * _INDENT if arrow else _INDENT) + (f"{arrow} " if arrow else "")
        first, *rest = clip(wrap(label, pen.width - cells(lead)), 3, pen.fold("…"))
        lines.append(pen.paint(lead, hue) + first)
        lines += [" " * cells(lead) + line for line in rest]
        note = wrap(_note(pen, hop), pen.width - cells(lead))
        lines += [" " * cells(lead) + pen.paint(line, hue) for line in note]
    return lines


def whole(pen: Pen, way: Sequence[Step]) -> list[str]:
    """The whole way, a line for each step: what stands there, and beside it who says so, where there is room."""
    parts = [(pen.fold(_ARROWS[step.status][0]), pen.text(step.label, 120) or "?") for step in way]
    column = max((cells(label) for _, label in parts if cells(label) <= _LONGEST_LABEL), default=0)
    lines: list[str] = []
    for step, (arrow, label) in zip(way, parts, strict=True):
        hue = _ARROWS[step.status][1]
        lead = " " * (2 * _INDENT if arrow else _INDENT) + (f"{arrow} " if arrow else "")
        told = pen.text(": ".join(filter(None, (step.witness, step.says))), 160)
        indent = " " * (2 * _INDENT + _ARROW)
        gap = " " * (max(0, column - cells(label)) + (0 if arrow else _INDENT + _ARROW) + 2)
        beside = bool(told) and cells(lead + label + gap + told) <= pen.width
        shown = pen.paint(label, "bold" if step.status == "broken" else "")
        first, *rest = [label] if beside else clip(wrap(label, pen.width - cells(lead)), 3, pen.fold("…"))
        lines.append(pen.paint(lead, hue) + (shown + gap + pen.paint(told, "dim") if beside else first))
        lines += [indent + line for line in rest]
        if told and not beside:
            lines += [indent + pen.paint(line, "dim") for line in wrap(told, pen.width - cells(indent))]
        if step.status in ("broken", "unknown") and step.note not in ("", step.says):
            note = wrap(pen.text(step.note, 300), pen.width - cells(indent))
            lines += [indent + pen.paint(line, hue) for line in note]
    return lines
