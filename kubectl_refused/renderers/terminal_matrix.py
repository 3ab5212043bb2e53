"""Every address from every vantage as a table: those that are alike share a line or a column."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Cell, Matrix, MatrixRow
from kubectl_refused.patterns import lazily
from kubectl_refused.short_names import shortened

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
_PLAIN = lazily(r"^(a pod on|a pod like|inside|the network of) |(?<=\S) on \S+$")
LABEL = "seen"
LONGEST_HEAD = 24
MOST_HEADS = 2  # places that one head names, where it is of most
MOST_ROWS, MOST_COLUMNS = 12, 8
MOST_NAMED = 4  # rows of one owner that stand by name
_GAP = 2


def table(pen: Pen, matrix: Matrix, *, headed: bool = True) -> list[str]:
    """The sentence if `headed`, then the table."""
    room = pen.width - pen.column(LABEL)
    columns, places = _columns(matrix), _places(matrix)
    rows = _rows(matrix, columns)
    heads = ["", *(_head(places, alike) for alike in columns)]
    told = [[_told(alike[0].cells[column[0]]) for column in columns] for alike in rows[:MOST_ROWS]]
    lines = wrap(pen.text(matrix.sentence), room) if headed else []
    for label in (_label, _name):
        labelled = [[label(alike), *words] for alike, words in zip(rows, told, strict=False)]
        shown = [[pen.text(word, 48) for word in line] for line in [heads, *labelled]]
        widths = [max(cells(line[x]) for line in shown) for x in range(len(heads))]
        if fits := sum(widths) + _GAP * (len(widths) - 1) <= room:
            break
    lines += [_line(pen, words, widths) for words in shown] if fits else _listed(shown, room)
    if len(rows) > MOST_ROWS:
        lines.append(f"and {sum(map(len, rows[MOST_ROWS:]))} more")
    return pen.section(LABEL, lines)


def _places(matrix: Matrix) -> tuple[str, ...]:
    """Each vantage in a word or two: a vantage in full is a clause."""
    return shortened([_PLAIN.sub("", vantage) for vantage in matrix.vantages])


def _columns(matrix: Matrix) -> list[list[int]]:
    """Places of vantages; those that saw everything alike are together."""
    together: dict[tuple[str, ...], list[int]] = {}
    for place in range(len(matrix.vantages)):
        together.setdefault(tuple(_told(row.cells[place]) for row in matrix.rows), []).append(place)
    # What most saw comes last: the odd one out is what a person looks for.
    return sorted(together.values(), key=len)[:MOST_COLUMNS]


def _rows(matrix: Matrix, columns: Sequence[Sequence[int]]) -> list[list[MatrixRow]]:
    """Rows of one owner whose cells are alike together; the entrance first, then what fails.

    A few that fail beside others of their owner stand by name: the owner tells nothing of them.
    """
    together: dict[tuple[str, ...], list[MatrixRow]] = {}
    for row in matrix.rows:
        own = row.address if row.entrance or not row.owner or _odd(row, matrix) else row.owner
        together.setdefault((own, *(_told(row.cells[c[0]]) for c in columns)), []).append(row)
    return sorted(together.values(), key=lambda alike: (not alike[0].entrance, _works(alike[0])))


def _odd(row: MatrixRow, matrix: Matrix) -> bool:
    """Whether it is one of few that fail of an owner of which others work."""
    kin = [r for r in matrix.rows if r.owner == row.owner]
    failing = sum(not _works(r) for r in kin)
    return not _works(row) and 0 < failing <= MOST_NAMED and failing < len(kin)


def _works(row: MatrixRow) -> bool:
    return all(cell.outcome is Outcome.ACCEPTED for cell in row.cells)


def _head(places: Sequence[str], alike: Sequence[int]) -> str:
    """`node2`, `node4, node9`, `node4 and 3 more`; for most of them `the other 9`."""
    if len(alike) > 1 and len(alike) == len(places):
        return f"all {len(alike)} places" if len(alike) > 2 else "both places"
    if len(alike) > MOST_HEADS and 2 * len(alike) > len(places):
        return f"the other {len(alike)}"
    both = ", ".join(places[place] for place in alike)
    if len(both) <= LONGEST_HEAD:
        return both
    first = places[alike[0]]
    first = first if len(first) <= LONGEST_HEAD else f"…{first[1 - LONGEST_HEAD :]}"
    return f"{first} and {len(alike) - 1} more" if len(alike) > 1 else first


def _label(alike: Sequence[MatrixRow]) -> str:
    row = alike[0]
    told = _name(alike)
    return told if len(alike) > 1 or row.entrance or row.address in told else f"{told} {row.address}"


def _name(alike: Sequence[MatrixRow]) -> str:
    """The label without the address, where a pod's name tells it from others."""
    row = alike[0]
    if len(alike) > 1:
        return f"{len(alike)} pods of {row.owner}"
    if row.entrance:
        return row.name
    return row.name.removeprefix("pod/") if row.name.startswith("pod/") else f"{row.name} {row.address}"


def _told(cell: Cell) -> str:
    """`✓`, `✗ timeout`, `✗ timeout 1/3` where one of three dials did, `✗ fails 2/3` for two that ended unlike."""
    word = _SHORT.get(cell.outcome, "✗ fails")
    times = sum(cell.heard.values())
    if len(cell.heard) > 1:
        failed = times - cell.heard.get(Outcome.ACCEPTED.value, 0)
        known = cell.heard.get(cell.outcome.value, 0)
        return f"{word} {known}/{times}" if known == failed else f"✗ fails {failed}/{times}"
    return f"{word} {times}/{times}" if times > 1 else word


def _line(pen: Pen, words: Sequence[str], widths: Sequence[int]) -> str:
    painted = (
        pen.paint(word, _hue(word)) + " " * (width - cells(word))
        for word, width in zip(words, widths, strict=True)
    )
    return (" " * _GAP).join(painted).rstrip()


def _hue(word: str) -> str:
    return _HUES.get(word[:1], "")


def _listed(shown: Sequence[Sequence[str]], width: int) -> list[str]:
    """Where the table is too wide: a line for each cell that is no plain accept, one where all are alike."""
    heads, *rows = shown
    told: list[str] = []
    for label, *words in rows:
        if len(set(words)) == 1 and words[0][:1] != "✓":
            told.append(f"{label}: {words[0]}")
        else:
            told += [f"{label} from {heads[x]}: {word}" for x, word in enumerate(words, 1) if word[:1] != "✓"]
    return [line for entry in told for line in wrap(entry, width)]
