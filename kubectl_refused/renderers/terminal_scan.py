"""The table of a scan: one line for each Service, what is broken first."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Scan, ScanRow, State

from .terminal_pen import Pen, cells, clip, wrap

_MARKS: dict[State, tuple[str, str]] = {
    "broken": ("✗", "red"),
    "unjudged": ("?", "yellow"),
    "ignored": ("·", "dim"),
    "works": ("✓", "green"),
    "idle": ("·", "dim"),
}
_COUNTED: dict[State, tuple[str, str]] = {
    "broken": ("is broken", "are broken"),
    "unjudged": ("could not be judged", "could not be judged"),
    "ignored": ("is ignored", "are ignored"),
    "works": ("works", "work"),
    "idle": ("is idle", "are idle"),
}
ENGINES = ("unix://", "tcp://", "ssh://", "npipe://", "http://", "https://")  # no context of a kubeconfig is a URL
MOST_QUIET = 20  # rows of Services that are not broken, but for -o wide
LONGEST_NAME = 40
LEAST_ROOM = 30  # cells for a reason beside a name
MOST_LINES = 3  # of one row's reason


def table(pen: Pen, scan: Scan) -> list[str]:
    """The verdict on all, where it was, and the rows."""
    symbol, hue = _mark(scan)
    verdict = wrap(pen.text(totals(scan)), pen.width - 2)
    lines = [f"{pen.paint(pen.fold(symbol), hue, 'bold')} {pen.paint(verdict[0], 'bold')}"]
    lines += ["  " + pen.paint(line, "bold") for line in verdict[1:]]
    lines += ["  " + pen.paint(line, "dim") for line in wrap(pen.text(_where(scan)), pen.width - 2)]
    return lines + ([""] if scan.rows else []) + _rows(pen, scan)


def totals(scan: Scan) -> str:
    """`4 of 7 Services are broken, 3 work`."""
    number, one = len(scan.rows), "container" if of_engine(scan) else "Service"
    if not number:
        return f"no {one}" + (" could be listed" if not scan.complete else "")
    told = [f"{count} {_COUNTED[state][count != 1]}" for state, count in _counts(scan)]
    if len(told) == 1:
        state, count = _counts(scan)[0]
        return f"the {one} {_COUNTED[state][0]}" if count == 1 else f"all {count} {one}s {_COUNTED[state][1]}"
    return f"{number} {one}s: {', '.join(told)}"


def of_engine(scan: Scan) -> bool:
    """Whether it is one of containers."""
    return scan.context.startswith(ENGINES)


def _counts(scan: Scan) -> list[tuple[State, int]]:
    return [(state, scan.counts[state]) for state in _COUNTED if scan.counts.get(state)]


def _mark(scan: Scan) -> tuple[str, str]:
    """That of the worst row."""
    if not scan.rows or not scan.complete:
        return ("·", "dim") if scan.complete else ("?", "yellow")
    states = {row.state for row in scan.rows}
    return next(_MARKS[state] for state in ("broken", "unjudged", "works", "ignored", "idle") if state in states)


def _where(scan: Scan) -> str:
    space = f"namespace {scan.namespace}" if scan.namespace else "" if of_engine(scan) else "all namespaces"
    seen = {path.vantage for item in scan.items for path in item.paths if path.vantage}
    plain = sorted(place for place in seen if not place.endswith(" alone"))
    depth = "the objects alone" if scan.depth == "objects" else ""
    told = depth or (plain[0] if len(plain) == 1 else "")
    labels = f"labels {scan.selector}" if scan.selector else ""
    return " · ".join(filter(None, (scan.context, space, labels, f"seen from {told}" if told else "")))


def _rows(pen: Pen, scan: Scan) -> list[str]:
    loud = [row for row in scan.rows if row.state in ("broken", "unjudged")]
    quiet = [row for row in scan.rows if row.state not in ("broken", "unjudged")]
    shown = loud + (quiet if pen.wide else quiet[:MOST_QUIET])
    several = len({row.namespace for row in scan.rows}) > 1
    names = [_name(pen, row, several=several) for row in shown]
    width = max((cells(name) for name in names if cells(name) <= LONGEST_NAME), default=0)
    lines = [line for row, name in zip(shown, names, strict=True) for line in _row(pen, row, name, width)]
    left = len(scan.rows) - len(shown)
    more = f"and {left} more that {'is' if left == 1 else 'are'} not broken: -o wide"
    return lines + (["    " + line for line in wrap(more, pen.width - 4)] if left else [])


def _name(pen: Pen, row: ScanRow, *, several: bool) -> str:
    """`svc/web:80`, with its namespace before it where there are several."""
    ports = f":{','.join(row.ports[:3])}{',…' if len(row.ports) > 3 else ''}" if row.ports else ""
    return pen.text(f"{row.namespace}  {row.target}{ports}" if several else f"{row.target}{ports}", 160)


def _row(pen: Pen, row: ScanRow, name: str, width: int) -> list[str]:
    """The line, with its reason beneath where a long name or a narrow terminal leaves no room for it."""
    unsure = row.state == "broken" and row.outcome is Outcome.UNTRIED and row.certainty != "proved"
    symbol, hue = _MARKS["unjudged" if unsure else row.state]
    first, *rest = wrap(name, pen.width - 4) or ["?"]
    head = f"  {pen.paint(pen.fold(symbol), hue)} {first}"
    told, at = pen.text(reason(row)), 4 + width + 2
    if not told:
        return [head, *("    " + line for line in rest)]
    if rest or cells(first) > width or pen.width - at < LEAST_ROOM:
        beneath = clip(wrap(told, pen.width - 6), MOST_LINES, pen.fold("…"))
        return [head, *("    " + line for line in rest), *("      " + line for line in beneath)]
    pad = " " * (at - 4 - cells(first))
    beside, *below = clip(wrap(told, pen.width - at), MOST_LINES, pen.fold("…"))
    return [head + pad + beside, *(" " * at + line for line in below)]


def reason(row: ScanRow) -> str:
    """`KR403 · 1 of 2 fail: the app listens on 127.0.0.1 only`."""
    sure = "" if row.certainty in ("proved", "") else f"{'probably' if row.certainty == 'likely' else 'perhaps'} "
    some = f"{row.failing} of {row.paths} paths: " if 0 < row.failing < row.paths else ""
    ended = f"{row.outcome.value}, " if row.state == "broken" and not row.code else ""
    return f"{row.code + ' ' if row.code else ''}{some}{ended}{sure}{row.says}"


def ignored(pen: Pen, scan: Scan) -> list[str]:
    """What was ignored, and by whom."""
    at = pen.column("not checked")
    lines: list[str] = []
    for one in scan.ignored:
        found = one.finding
        why = f": {found.reason}" if found.reason else ""
        space = f" in namespace {one.namespace}" if not scan.namespace else ""
        lines += wrap(pen.text(f"{found.code} of {one.target}{space}, by {found.by}{why}"), pen.width - at)
    return pen.section("ignored", lines, at=at)


def details_left(pen: Pen, left: int) -> Sequence[str]:
    """That not every broken Service is told in full."""
    return wrap(pen.fold(f"… and {left} more in full: -o wide, or kubectl refused svc/NAME"), pen.width)
