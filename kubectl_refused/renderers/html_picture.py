"""The path as a picture (SVG): from left to right where there is room, downwards on a phone.

What breaks is told by form, sign and word, and by colour besides. Text in SVG does not wrap by itself: labels are
cut into lines by cells, and stand in full in the title, which a pointer or a screen reader shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_refused.model.report import Hop, Step
from kubectl_refused.model.target import ENTRANCES

from .html_text import escaped, text
from .telling import line
from .terminal_pen import clip, wrap

BOX, GAP, LINE = 156, 44, 17  # pixels: a hop's width, the way between two, the height of a line
_CELLS, _LINES = 18, 3  # of a label in a box
_TOP = 14
_NARROW, _INDENT = 320, 40
_NARROW_CELLS = 33
_WIDE_CELLS = 44  # of the whole way, which a phone still shows: it is shrunk to fit
_ROLES = {"client": "from", "entrance": "service", "endpoint": "pod"}  # the others go by their own word
_KINDS = frozenset(kind.lower() for kind in ENTRANCES)
_WORDS = {"broken": "breaks here", "unknown": "not known"}
# Signs are drawn, as no font is sure to have them.
_SIGNS = {
    "ok": "M-4.5 .5 -1.5 3.5 4.5 -3.5",
    "broken": "M-4 -4 4 4M4 -4 -4 4",
    "unknown": "M-2.6 -2.2A2.7 2.7 0 1 1 .9 .8Q0 1.3 0 2.2M0 4.7V5",
}


def pictures(hops: Sequence[Hop], name: str) -> list[str]:
    """Both forms; the style sheet shows the one that fits."""
    if not hops:
        return []
    return [_across(hops, name), _down(hops, name)]


def whole(way: Sequence[Step], name: str) -> str:
    """The whole way, downwards wherever it is shown: each step with whoever says so."""
    parts: list[str] = []
    top, before, widest = 14, 0, _NARROW
    for step in way:
        if step.status != "start":
            parts.append(f'<line class="way {step.status}" x1="14" x2="14" y1="{before + 12}" y2="{top + 6}"/>')
            parts.append(sign(step.status, 14, top))
        else:
            parts.append(f'<circle class="hop start" cx="14" cy="{top}" r="7"/>')
        y = top
        for style, words in _words(step):
            parts.append(f'<text class="{style}" x="{_INDENT}" y="{y + 5}">{escaped(words)}</text>')
            widest = max(widest, _INDENT + 8 * len(words))
            y += LINE
        before, top = top, y + 14
    told = "; ".join(" ".join(filter(None, (s.role, s.label, _WORDS.get(s.status, "")))) for s in way)
    start = f'<svg class="path whole" viewBox="0 0 {widest} {top - 6}" width="{widest}" height="{top - 6}"'
    label = f' role="img" aria-label="{text(f"The whole way to {name}: {told}")}">'
    return "".join([start, label, *parts, "</svg>"])


def _words(step: Step) -> Iterable[tuple[str, str]]:
    """The lines of a step, each with its style."""
    role = {"url": "URL", "dns": "DNS", "address": "node port or load balancer"}.get(step.role, step.role)
    kind = f"word {step.status}" if step.status in _WORDS else "role"
    yield kind, " · ".join(filter(None, (role, _WORDS.get(step.status, ""))))
    yield from (("label", words) for words in clip(wrap(line(step.label, 300), _WIDE_CELLS), _LINES, "…") or ["?"])
    told = ": ".join(filter(None, (step.witness, step.says)))
    yield from (("note", words) for words in wrap(line(told, 200), _WIDE_CELLS))
    if step.status in _WORDS and step.note != step.says:
        yield from (("note", words) for words in clip(wrap(line(step.note, 300), _WIDE_CELLS), 5, "…"))


def sign(status: str, x: float, y: float) -> str:
    """The round sign of a step: a tick, a cross or a question mark."""
    mark = f'<circle r="10"/><path d="{_SIGNS[status]}"/>'
    return f'<g class="sign {status}" transform="translate({x:g} {y:g})">{mark}</g>'


def _figure(kind: str, width: int, height: int, name: str, hops: Sequence[Hop], parts: Iterable[str]) -> str:
    told = "; ".join(" ".join(filter(None, (_role(hop), hop.label, _WORDS.get(hop.status, "")))) for hop in hops)
    start = f'<svg class="path {kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    label = f' aria-label="{text(f"The path to {name}: {told}")}">'
    return "".join([start, label, *parts, "</svg>"])


def _role(hop: Hop) -> str:
    kind, slash, _ = hop.label.partition("/")
    if hop.role == "entrance" and slash and kind in _KINDS:
        return kind
    return _ROLES.get(hop.role, hop.role)


def _label(hop: Hop, cells: int) -> list[str]:
    return clip(wrap(line(hop.label, 300), cells), _LINES, "…") or ["?"]


def _note(hop: Hop, cells: int) -> list[str]:
    shown = line(hop.note, 300) if hop.status in ("broken", "unknown") else ""
    return clip(wrap(shown, cells), 5, "…")


def _across(hops: Sequence[Hop], name: str) -> str:
    labels = [_label(hop, _CELLS) for hop in hops]
    height = 2 * _TOP + 16 + LINE * max(map(len, labels))
    width = len(hops) * (BOX + GAP) - GAP + 4
    middle, parts, lowest = height / 2, [], height
    for place, (hop, label) in enumerate(zip(hops, labels, strict=True)):
        left = 2 + place * (BOX + GAP)
        if hop.status != "start":
            ends = f'x1="{left - GAP}" x2="{left}" y1="{middle:g}" y2="{middle:g}"'
            way = f'<line class="way {hop.status}" {ends}/>'
            parts += [way, sign(hop.status, left - GAP / 2, middle)]
        parts.append(_box(hop, label, left, height))
        told = [*([_WORDS[hop.status]] if hop.status in _WORDS else []), *_note(hop, 46)]
        end = place * 2 >= len(hops)
        at, anchor = (left + BOX, "end") if end else (left, "start")
        for number, words in enumerate(told):
            kind = f"word {hop.status}" if number == 0 else "note"
            y = height + 18 + number * LINE
            parts.append(f'<text class="{kind}" text-anchor="{anchor}" x="{at}" y="{y}">{escaped(words)}</text>')
            lowest = max(lowest, y + 6)
    return _figure("across", width, int(lowest) + 2, name, hops, parts)


def _box(hop: Hop, label: Sequence[str], left: int, height: int) -> str:
    middle = left + BOX / 2
    shape = f'<rect class="hop {hop.status}" x="{left}" y="2" width="{BOX}" height="{height - 4}" rx="9"/>'
    role = f'<text class="role" text-anchor="middle" x="{middle:g}" y="{_TOP + 8}">{escaped(_role(hop))}</text>'
    at = f'class="label" text-anchor="middle" x="{middle:g}"'
    lines = (f'<text {at} y="{_TOP + 26 + n * LINE}">{escaped(words)}</text>' for n, words in enumerate(label))
    return f"<g><title>{text(hop.label)}</title>{shape}{role}{''.join(lines)}</g>"


def _down(hops: Sequence[Hop], name: str) -> str:
    parts: list[str] = []
    top, before = 14, 0
    for hop in hops:
        if hop.status != "start":
            parts.append(f'<line class="way {hop.status}" x1="14" x2="14" y1="{before + 12}" y2="{top + 6}"/>')
        parts.append(_stop(hop, top))
        y = top
        kind = "word " + hop.status if hop.status in _WORDS else "role"
        role = " · ".join(filter(None, (_role(hop), _WORDS.get(hop.status, ""))))
        for style, words in [
            (kind, role),
            *(("label", words) for words in _label(hop, _NARROW_CELLS)),
            *(("note", words) for words in _note(hop, _NARROW_CELLS + 4)),
        ]:
            parts.append(f'<text class="{style}" x="{_INDENT}" y="{y + 5}">{escaped(words)}</text>')
            y += LINE
        before, top = top, y + 16
    return _figure("down", _NARROW, top - 8, name, hops, parts)


def _stop(hop: Hop, y: int) -> str:
    """Where a hop stands on the way down: the sign of the step into it, a plain dot for the start."""
    if hop.status == "start":
        return f'<circle class="hop start" cx="14" cy="{y}" r="7"/>'
    return sign(hop.status, 14, y)
