"""The first two lines: the verdict with its cause's code at the right, then cluster, namespace and vantage."""

from __future__ import annotations

from msgspec import Struct

from kubectl_refused.model.report import Diagnosis, Path

from .terminal_pen import Pen, cells, clip, wrap
from .terminal_words import mark, seen, sentence, silent


class _Line(Struct, frozen=True):
    """A painted line, and how many cells it takes."""

    text: str
    cells: int


def headed(pen: Pen, diagnosis: Diagnosis, path: Path, name: str, *, context: bool) -> list[str]:
    """Verdict and, if wanted, context; the code stands at the end of either, or beneath the verdict."""
    verdict = _verdict(pen, diagnosis, path, name)
    told = verdict + (_context(pen, diagnosis, path) if context else [])
    lines = [line.text for line in told]
    if not path.root:
        return lines
    tag = pen.text(f"{path.root.code} · {path.root.certainty.value}", pen.width)
    for place in (len(verdict) - 1, len(lines) - 1):
        room = pen.width - told[place].cells - cells(tag)
        if room >= 2:
            lines[place] += " " * room + pen.paint(tag, "dim")
            return lines
    beneath = [" " * (pen.width - cells(line)) + pen.paint(line, "dim") for line in wrap(tag, pen.width)]
    return [*lines[: len(verdict)], *beneath, *lines[len(verdict) :]]


def _verdict(pen: Pen, diagnosis: Diagnosis, path: Path, name: str) -> list[_Line]:
    """The sentence behind its symbol."""
    symbol, hue = mark(diagnosis, path)
    symbol = pen.fold(symbol)
    loud = "" if silent(path) else "bold"
    at = cells(symbol) + 1
    body = clip(wrap(pen.text(sentence(diagnosis, path, name)), pen.width - at), 6, pen.fold("…")) or ["?"]
    first = _Line(f"{pen.paint(symbol, hue, loud)} {pen.paint(body[0], loud)}", at + cells(body[0]))
    return [first, *(_Line(" " * at + pen.paint(line, loud), at + cells(line)) for line in body[1:])]


def _context(pen: Pen, diagnosis: Diagnosis, path: Path) -> list[_Line]:
    namespace = f"namespace {diagnosis.namespace}" if diagnosis.namespace else ""
    told = " · ".join(filter(None, (diagnosis.context, namespace, seen(diagnosis, path))))
    return [_Line("  " + pen.paint(line, "dim"), 2 + cells(line)) for line in wrap(pen.text(told), pen.width - 2)]
