"""Every endpoint from every vantage, as a table with one sentence: what fails together tells why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubectl_refused.model.facts import HANDSHAKE, Dial
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.report import Cell, Matrix, MatrixRow
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.short_names import shortened
from kubectl_refused.trace.owners import made_by

from .outcomes import FAILING, worst

MOST_NAMED, MOST_BUT = 4, 2
_VERBS = {
    Outcome.REFUSED: ("refuses", "refuse"),
    Outcome.REJECTED: ("is rejected", "are rejected"),
    Outcome.TIMEOUT: ("times out", "time out"),
    Outcome.RESET: ("closes at once", "close at once"),
    Outcome.UNREACHABLE: ("is unreachable", "are unreachable"),
    Outcome.DENIED: ("is denied", "are denied"),
}
_OTHER = ("fails", "fail")


def matrices(scenes: Sequence[Scene]) -> tuple[Matrix, ...]:
    """One for each port and family that was dialled from several places, often, or with unlike results."""
    together: dict[tuple[str, str], list[Scene]] = {}
    for scene in scenes:
        if scene.port is not None:
            together.setdefault((str(scene.port.port), scene.family), []).append(scene)
    tables = (_matrix(port, family, group) for (port, family), group in together.items())
    return tuple(table for table in tables if table is not None)


def _matrix(port: str, family: str, scenes: Sequence[Scene]) -> Matrix | None:
    rows = tuple(_rows(scenes))
    dialled = [cell for row in rows for cell in row.cells if cell.outcome is not Outcome.UNTRIED]
    several = len(scenes) > 1 or any(len(cell.heard) > 1 for cell in dialled)
    behind = {cell.outcome for row in rows if not row.entrance for cell in row.cells} - {Outcome.UNTRIED}
    if not dialled or not (several or len(behind) > 1):
        return None
    return Matrix(
        port=port,
        family=family,
        vantages=tuple(str(scene.vantage) for scene in scenes),
        rows=rows,
        sentence=sentence(shortened([_place(scene) for scene in scenes]), rows),
    )


def _place(scene: Scene) -> str:
    """A vantage in a word: its node where it is nothing but a pod there."""
    vantage = scene.vantage
    if vantage.kind == "here":
        return "here"
    return vantage.name.removeprefix("node/") or vantage.node or str(vantage)


def _rows(scenes: Sequence[Scene]) -> Iterator[MatrixRow]:
    first = scenes[0]
    if first.entrance_dial:
        cells = tuple(_cell(s, s.entrance_dial) for s in scenes)
        yield MatrixRow(address=_address(first.entrance_dial), name=first.asked, cells=cells, entrance=True)
    for endpoint in first.ready_endpoints:
        dial = first.at_endpoint(endpoint).endpoint_dial
        cells = tuple(_cell(s, replace(dial, at=s.vantage.key)) for s in scenes)
        yield MatrixRow(
            address=_address(dial), name=_name(endpoint), owner=made_by(first, endpoint.pod), cells=cells
        )


def _name(endpoint: Endpoint) -> str:
    return f"pod/{endpoint.target_name}" if endpoint.target_name else "no pod"


def _address(dial: Dial) -> str:
    return f"[{dial.host}]:{dial.port}" if ":" in dial.host else f"{dial.host}:{dial.port}"


def _cell(scene: Scene, dial: Dial | None) -> Cell:
    seen: Handshake | None = scene.known(HANDSHAKE, dial) if dial else None
    if seen is None:
        return Cell(outcome=Outcome.UNTRIED)
    return Cell(outcome=seen.outcome, heard={outcome.value: count for outcome, count in seen.heard})


def sentence(places: Sequence[str], rows: Sequence[MatrixRow]) -> str:
    """What the failing cells have in common: a clause for each set of endpoints that fail alike from the same."""
    behind = [row for row in rows if not row.entrance]
    clauses = [(columns, _clause(behind, bad, columns)) for columns, bad in _alike(behind)]
    clauses += [(columns, told) for columns, told in _entrances(rows, behind) if columns]
    if not clauses:
        return _all_accept(places, behind or rows)
    everywhere = sum(len(columns) == len(places) for columns, _ in clauses)
    clauses.sort(key=lambda one: len(one[0]) != len(places))
    only = len(clauses) - everywhere == 1
    return "; ".join(_from(places, columns, only=only) + told for columns, told in clauses)


def _alike(behind: Sequence[MatrixRow]) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    """(columns, rows) of endpoints that end alike from the same places.

    What fails now and then fails from everywhere: where it did not, it may the next time.
    """
    seen: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for y, row in enumerate(behind):
        ends: dict[str, list[int]] = {}
        for x, cell in enumerate(row.cells):
            if cell.outcome in FAILING:
                ends.setdefault("" if _sometimes(cell) else cell.outcome.value, []).append(x)
        for end, columns in ends.items():
            whole = range(len(row.cells)) if not end and len(ends) == 1 else columns
            seen.setdefault((end, tuple(whole)), []).append(y)
    yield from ((columns, bad) for (_, columns), bad in seen.items())


def _sometimes(cell: Cell) -> bool:
    return bool(cell.heard.get(Outcome.ACCEPTED.value))


def _entrances(rows: Sequence[MatrixRow], behind: Sequence[MatrixRow]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Where the Service's own address fails as no endpoint does there."""
    for row in rows:
        if row.entrance:
            columns = [x for x, cell in enumerate(row.cells) if cell.outcome in FAILING]
            columns = [x for x in columns if not _explained(row.cells[x], x, behind)]
            accept = all(r.cells[x].outcome is Outcome.ACCEPTED for r in behind for x in columns)
            yield tuple(columns), _entrance_fails(behind if accept else ())


def _explained(entrance: Cell, x: int, behind: Sequence[MatrixRow]) -> bool:
    """Whether an endpoint fails as the entrance does, which leads to each of them in turn."""
    if _sometimes(entrance):
        return any(cell.outcome in FAILING for row in behind for cell in row.cells)
    return bool(_ends(entrance) & _ends(*(row.cells[x] for row in behind)))


def _ends(*cells: Cell) -> set[str]:
    """Every way in which dials failed."""
    heard = {end for cell in cells for end in (cell.heard or (cell.outcome.value,))}
    return {end for end in heard if Outcome(end) in FAILING}


def _entrance_fails(behind: Sequence[MatrixRow]) -> str:
    if not behind:
        return "the Service's own address fails"
    accept = f"all {len(behind)} endpoints accept" if len(behind) > 1 else "the endpoint behind it accepts"
    return f"the Service's own address fails, while {accept}"


def _clause(behind: Sequence[MatrixRow], bad: Sequence[int], columns: Sequence[int]) -> str:
    """`2 of 6 endpoints refuse: both belong to Job migrate`."""
    cells = [behind[y].cells[x] for y in bad for x in columns]
    verb = _VERBS.get(worst([cell.outcome for cell in cells]), _OTHER)[len(bad) > 1]
    sometimes = " now and then" if any(map(_sometimes, cells)) else ""
    if len(bad) == len(behind):
        return f"{f'all {len(bad)} endpoints' if len(bad) > 1 else 'the endpoint'} {verb}{sometimes}"
    return f"{len(bad)} of {len(behind)} endpoints {verb}{sometimes}{_whose(behind, bad)}"


def _all_accept(places: Sequence[str], rows: Sequence[MatrixRow]) -> str:
    word = "endpoint accepts" if len(rows) == 1 else "endpoints accept"
    where = f" from each of {len(places)} places" if len(places) > 1 else ""
    return f"{'the' if len(rows) == 1 else f'all {len(rows)}'} {word}{where}"


def _from(places: Sequence[str], columns: Sequence[int], *, only: bool) -> str:
    """`only from node2: `, `from all but node6: `; nothing where it is the same from everywhere."""
    if len(columns) == len(places):
        return ""
    but = [place for x, place in enumerate(places) if x not in columns]
    if len(but) <= min(MOST_BUT, len(columns) - 2):
        return f"from all but {' and '.join(but)}: "
    named = [places[x] for x in columns]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{'only ' if only else ''}from {', '.join(named[:MOST_NAMED])}{more}: "


def _whose(behind: Sequence[MatrixRow], bad: Sequence[int]) -> str:
    """`: both belong to Job migrate`; the names of the pods where others of the same owner do not fail so."""
    rows = [behind[y] for y in bad]
    owners = {row.owner for row in rows}
    names = [row.name for row in rows]
    apart = owners.isdisjoint(row.owner for y, row in enumerate(behind) if y not in bad)
    if len(owners) == 1 and (owner := owners.pop()):
        if len(rows) == 1:
            return f": {names[0]} of {owner}"
        if apart or len(rows) > MOST_NAMED:
            return f": {'both' if len(rows) == 2 else 'all of them'} belong to {owner}"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f": {', '.join(names[:MOST_NAMED])}{more}"
