"""Every endpoint from every vantage, as a table with one sentence: what fails together tells why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.model.facts import HANDSHAKE, Dial
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.report import Cell, Matrix, MatrixRow
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.owners import made_by

from .outcomes import FAILING, worst

MOST_NAMED = 4
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
        sentence=sentence(tuple(_place(scene) for scene in scenes), rows),
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
        cells = tuple(_cell(s, dial._replace(at=s.vantage.key)) for s in scenes)
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
    """What the failing cells have in common, in one sentence: places that see the same share a clause."""
    behind = [row for row in rows if not row.entrance]
    alike: dict[tuple[bool, tuple[int, ...]], list[int]] = {}
    for x in range(len(places)):
        entrance = any(row.entrance and row.cells[x].outcome in FAILING for row in rows)
        bad = tuple(y for y, row in enumerate(behind) if row.cells[x].outcome in FAILING)
        alike.setdefault((entrance and not bad, bad), []).append(x)
    failing = {key: columns for key, columns in alike.items() if any(key)}
    if not failing:
        return _all_accept(places, behind or rows)
    clauses = []
    for (entrance_alone, bad), columns in failing.items():
        told = _entrance_fails(behind) if entrance_alone else _clause(behind, bad, columns)
        clauses.append(_from(places, columns, only=len(failing) == 1) + told)
    return "; ".join(clauses)


def _entrance_fails(behind: Sequence[MatrixRow]) -> str:
    if not behind:
        return "the Service's own address fails"
    accept = f"all {len(behind)} endpoints accept" if len(behind) > 1 else "the endpoint behind it accepts"
    return f"the Service's own address fails, while {accept}"


def _clause(behind: Sequence[MatrixRow], bad: Sequence[int], columns: Sequence[int]) -> str:
    """`2 of 6 endpoints refuse: both belong to Job migrate`."""
    cells = [behind[y].cells[x] for y in bad for x in columns]
    verb = _VERBS.get(worst([cell.outcome for cell in cells]), _OTHER)[len(bad) > 1]
    sometimes = " now and then" if any(cell.heard.get(Outcome.ACCEPTED.value) for cell in cells) else ""
    if len(bad) == len(behind):
        return f"{f'all {len(bad)} endpoints' if len(bad) > 1 else 'the endpoint'} {verb}{sometimes}"
    return f"{len(bad)} of {len(behind)} endpoints {verb}{sometimes}{_whose([behind[y] for y in bad])}"


def _all_accept(places: Sequence[str], rows: Sequence[MatrixRow]) -> str:
    word = "endpoint accepts" if len(rows) == 1 else "endpoints accept"
    where = f" from each of {len(places)} places" if len(places) > 1 else ""
    return f"{'the' if len(rows) == 1 else f'all {len(rows)}'} {word}{where}"


def _from(places: Sequence[str], columns: Sequence[int], *, only: bool) -> str:
    """`only from node2: `; nothing where it is the same from everywhere."""
    if len(columns) == len(places):
        return ""
    named = [places[x] for x in columns]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{'only ' if only else ''}from {', '.join(named[:MOST_NAMED])}{more}: "


def _whose(rows: Sequence[MatrixRow]) -> str:
    """`: both belong to Job migrate`, or the names of the pods."""
    owners = {row.owner for row in rows}
    names = [row.name for row in rows]
    if len(owners) == 1 and (owner := owners.pop()):
        if len(rows) == 1:
            return f": {names[0]} of {owner}"
        return f": {'both' if len(rows) == 2 else 'all of them'} belong to {owner}"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f": {', '.join(names[:MOST_NAMED])}{more}"
