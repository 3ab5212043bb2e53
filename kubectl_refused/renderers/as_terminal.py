"""The report for a person paged at night: the verdict first, the picture second, then proof and fix."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TextIO

from kubectl_refused.model.report import Diagnosis, DiagnosisList, Explanation, Matrix, Path, Report, Scan
from kubectl_refused.patterns import lazily

from .base import Style
from .paths import not_in_tables, paths_of, same_fault
from .terminal_path import picture, whole
from .terminal_pen import Pen, wrap
from .terminal_proof import behind, dials, proof, remedy
from .terminal_rest import changed, gaps, not_asked, notes, touched
from .terminal_verdict import headed
from .terminal_words import asked, compared, healthy, silent, totals, works

_TOTALS_FROM = 4
MOST_IN_FULL = 25  # broken Services of a scan that are told in full, but for -o wide
_WORKFLOW_COMMAND = lazily(r"^(?:\s|\x1b\[[0-9;]*m)*::(?=[A-Za-z].*::)|##\[")


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write the whole report, in one piece, on lines of at most `style.width` cells but for commands."""
    pen = Pen(style.width, style.colour, out.encoding or "utf-8", style.wide)
    out.write("\n".join(map(_harmless, _lines(pen, report) or [pen.fold("· no target")])) + "\n")


def _lines(pen: Pen, report: Report) -> list[str]:
    if isinstance(report, Scan):
        return _scan(pen, report)
    return _explanation(pen, report) if isinstance(report, Explanation) else _several(pen, report)


def _explanation(pen: Pen, report: Explanation) -> list[str]:
    """What happened, and in full what is still broken."""
    from .terminal_explanation import explained

    lines = explained(pen, report)
    for diagnosis in report.items:
        lines += ["", *_diagnosis(pen, diagnosis)]
    rest = gaps(pen, report, short=False) + touched(pen, report.touched, short=False)
    return lines + (["", *rest] if rest else [])


def _scan(pen: Pen, scan: Scan) -> list[str]:
    """The table, what is broken in full, and what goes for all of it."""
    from .terminal_scan import details_left, ignored, table

    lines = table(pen, scan)
    shown = scan.items if pen.wide else scan.items[:MOST_IN_FULL]
    for diagnosis in shown:
        lines += ["", *_diagnosis(pen, diagnosis)]
    if len(scan.items) > len(shown):
        lines += ["", *details_left(pen, len(scan.items) - len(shown))]
    rest = ignored(pen, scan) + gaps(pen, scan, short=False) + touched(pen, scan.touched, short=False)
    return lines + (["", *rest] if rest else [])


def _several(pen: Pen, report: Diagnosis | DiagnosisList) -> list[str]:
    """One diagnosis after the other, with blank lines around those that are told in full."""
    items = (report,) if isinstance(report, Diagnosis) else report.items
    lines: list[str] = []
    before = 0
    for diagnosis in items:
        block = _diagnosis(pen, diagnosis)
        if lines and max(before, len(block)) > 1:
            lines.append("")
        lines += block
        before = len(block)
    if len(items) >= _TOTALS_FROM:
        lines += ["", *wrap(pen.fold(totals(paths_of(d)[0] for d in items)), pen.width)]
    return lines + not_asked(pen, [path for diagnosis in items for path in diagnosis.paths])


def _harmless(line: str) -> str:
    """The line, no command to a CI system that reads logs.

    GitHub's runner obeys `::error::…` at a line's start, blanks before it or not, and `##[error]…` anywhere
    (actions/runner, ActionCommand.cs); a log's or an event's text could be either.
    """
    return _WORKFLOW_COMMAND.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", line)


def _diagnosis(pen: Pen, diagnosis: Diagnosis) -> list[str]:
    """Every path, those told in full with blank lines around them, and what goes for all of them."""
    paths = not_in_tables(diagnosis, paths_of(diagnosis))
    lines: list[str] = []
    for place in range(len(paths)):
        full = not _told_short(pen, paths, place)
        if place and (full or not _told_short(pen, paths, place - 1)):
            lines.append("")
        lines += _path(pen, diagnosis, paths, place)
    told = {compared(diagnosis, path) for path in paths}
    lines += [line for matrix in diagnosis.matrices for line in _seen(pen, matrix, told, lines)]
    short = all(healthy(p) for p in paths)
    rest = changed(pen, diagnosis.changed) + notes(pen, diagnosis.notes)
    rest += gaps(pen, diagnosis, short=short and diagnosis.complete) + touched(pen, diagnosis.touched, short=short)
    apart = full and not _details(pen, paths[-1], "")
    if rest and (apart or (len(paths) > 1 and not full and not short)):
        lines.append("")
    return lines + rest


def _seen(pen: Pen, matrix: Matrix, told: Collection[str], above: Sequence[str]) -> list[str]:
    """The table of a port, apart from what stands above it; its sentence where no verdict has told it."""
    if works(matrix) and not pen.wide:
        return []
    from .terminal_matrix import table

    return ([""] if len(above) > 1 else []) + table(pen, matrix, headed=matrix.sentence not in told)


def _told_short(pen: Pen, paths: Sequence[Path], place: int) -> bool:
    """Whether a path needs its verdict only: it works, or its fault has been explained above."""
    return not pen.wide and (silent(paths[place]) or same_fault(paths, place))


def _path(pen: Pen, diagnosis: Diagnosis, paths: Sequence[Path], place: int) -> list[str]:
    """The blocks of one path with blank lines between: verdict and context, picture, details."""
    path = paths[place]
    name = asked(diagnosis, path, paths)
    full = not _told_short(pen, paths, place)
    blocks = [headed(pen, diagnosis, path, name, context=full and place == 0)]
    if full:
        drawn = whole(pen, path.way) if path.rule and path.way else picture(pen, path.hops)
        blocks += [drawn, _details(pen, path, name)]
    return [line for block in blocks if block for line in ("", *block)][1:]


def _details(pen: Pen, path: Path, name: str) -> list[str]:
    root = path.root
    lines = proof(pen, root, name) if root else []
    lines += remedy(pen, root.fix) if root and root.fix else []
    return lines + behind(pen, path.chain) + (dials(pen, path) if pen.wide else [])
