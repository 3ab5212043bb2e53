"""Every address from every vantage as a table: those that are alike share a line or a column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Cell, Matrix, MatrixRow

from .terminal_pen import Pen, cells, wrap

_SHORT = {
    Outcome.ACCEPTED: "✓",
    Outcome.REFUSED: "✗ refused",
    Outcome.REJECTED: "✗ rejected",
    Outcome.TIMEOUT: "✗ timeout",
    Outcome.RESET: "✗ closed",
    Outcome.UNREACHABLE: "✗ unreachable",
    Outcome.UNRESOLVED: "✗ no such name",
    Outcome.DENIED: "✗ denied",
    Outcome.UNTRIED: "·",
}
_HUES = {"✓": "green", "✗": "red", "·": "dim"}
# A vantage in full is a clause; above a column its name is enough.
_PLAIN = re.compile(r"^(a pod on|a pod like|inside|the network of) |(?<=\S) on \S+$")
LONGEST_HEAD = 24
MOST_ROWS, MOST_COLUMNS = 12, 8
_GAP = 2


def table(pen: Pen, matrix: Matrix) -> list[str]:
    """The sentence, then the table."""
    at = pen.column("seen")
    lines = wrap(pen.text(matrix.sentence), pen.width - at)
    columns = _columns(matrix)
    rows = _rows(matrix, columns)
    heads = ["", *(_head(matrix, alike) for alike in columns)]
    told = [
        [_label(alike), *(_told(alike[0].cells[column[0]]) for column in columns)] for alike in rows[:MOST_ROWS]
    ]
    shown = [[pen.text(word, 48) for word in line] for line in [heads, *told]]
    widths = [max(cells(line[x]) for line in shown) for x in range(len(heads))]
    if sum(widths) + _GAP * len(widths) > pen.width - at:
        lines += _listed(pen, shown, pen.width - at)
    else:
        lines += [_line(pen, words, widths) for words in shown]
    if len(rows) > MOST_ROWS:
        lines.append(f"and {sum(map(len, rows[MOST_ROWS:]))} more")
    return pen.section("seen", lines)


def _columns(matrix: Matrix) -> list[list[int]]:
    """Places of vantages; those that saw everything alike are together."""
    together: dict[tuple[str, ...], list[int]] = {}
    for place in range(len(matrix.vantages)):
        together.setdefault(tuple(_told(row.cells[place]) for row in matrix.rows), []).append(place)
    # What most saw comes last: the odd one out is what a person looks for.
    return sorted(together.values(), key=len)[:MOST_COLUMNS]


def _rows(matrix: Matrix, columns: Sequence[Sequence[int]]) -> list[list[MatrixRow]]:
    """Rows of one owner whose cells are alike together; the entrance first, then what fails."""
    together: dict[tuple[str, ...], list[MatrixRow]] = {}
    for row in matrix.rows:
        own = row.address if row.entrance or not row.owner else row.owner
        together.setdefault((own, *(_told(row.cells[c[0]]) for c in columns)), []).append(row)
    return sorted(together.values(), key=lambda alike: (not alike[0].entrance, _works(alike[0])))


def _works(row: MatrixRow) -> bool:
    return all(cell.outcome is Outcome.ACCEPTED for cell in row.cells)


def _head(matrix: Matrix, alike: Sequence[int]) -> str:
    first = _PLAIN.sub("", matrix.vantages[alike[0]])
    first = first if len(first) <= LONGEST_HEAD else f"…{first[1 - LONGEST_HEAD :]}"
    return f"{first} and {len(alike) - 1} more" if len(alike) > 1 else first


def _label(alike: Sequence[MatrixRow]) -> str:
    row = alike[0]
    if len(alike) > 1:
        return f"{len(alike)} pods of {row.owner}"
    return row.name if row.entrance else f"{row.name.removeprefix('pod/')} {row.address}"


def _told(cell: Cell) -> str:
    """`✓`, `✗ timeout`, or `✗ timeout 1/3` where one of three dials ended so."""
    word = _SHORT.get(cell.outcome, "✗ fails")
    times = sum(cell.heard.values())
    if len(cell.heard) > 1:
        return f"{word} {cell.heard.get(cell.outcome.value, 0)}/{times}"
    return f"{word} {times}/{times}" if times > 1 else word


def _line(pen: Pen, words: Sequence[str], widths: Sequence[int]) -> str:
    painted = (
        pen.paint(word, _hue(word)) + " " * (width - cells(word))
        for word, width in zip(words, widths, strict=True)
    )
    return (" " * _GAP).join(painted).rstrip()


def _hue(word: str) -> str:
    return _HUES.get(word[:1], "")


def _listed(pen: Pen, shown: Sequence[Sequence[str]], width: int) -> list[str]:
    """Where the table is too wide: one line for each cell that is not like a plain accept."""
    heads, *rows = shown
    told = [
        f"{row[0]} from {heads[x]}: {row[x]}" for row in rows for x in range(1, len(heads)) if row[x][:1] != "✓"
    ]
    return [line for entry in told for line in wrap(entry, width)]
