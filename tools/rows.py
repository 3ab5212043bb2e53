"""The rows of faults as people met them, and the cause that covers each: rows.txt names them in our own words.

Row A1 is KR101, B3 is KR203, C12 is KR312, D24 is KR424: as the code of a cause, or as one that it covers `also`.
Rows of E, meshes and what leads into a cluster, and of F, containers without Kubernetes, name their code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubectl_refused.causes import Cause, catalogue

ROWS = Path(__file__).with_name("rows.txt")
_SECTIONS, _NAMED = "ABCD", "EF"


@dataclass(frozen=True)
class Row:
    """One row: its place (`A1`), its code (`KR101`), what goes wrong, and the cause that covers it."""

    place: str
    code: str
    title: str
    cause: Cause | None


def rows() -> tuple[Row, ...]:
    """Every row, in order."""
    covering = {code: cause for cause in catalogue() for code in cause.codes}
    lines = ROWS.read_text(encoding="utf-8").splitlines()
    return tuple(_row(*line.partition(" ")[::2], covering) for line in lines)


def _row(place: str, title: str, covering: Mapping[str, Cause]) -> Row:
    code, _, rest = title.partition(" ") if place[0] in _NAMED else (code_of(place), "", title)
    return Row(place, code, rest, covering.get(code))


def code_of(place: str) -> str:
    """`KR312` of `C12`."""
    return f"KR{_SECTIONS.index(place[0]) + 1}{int(place[1:]):02}"
