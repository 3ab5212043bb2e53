"""The paths of a diagnosis in the order of telling, and what is to be made of each."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, Path, Root

from .terminal_words import healthy, silent

_RANKS = {"proved": 0, "likely": 1, "possible": 2}


class Standing(Enum):
    """What a path is to a machine: as the exit codes have it (cli/exit_codes.py), and untried apart."""

    FAULT = "a fault is proved"
    OPEN = "it fails or could not be judged, and no cause is proved"
    UNTRIED = "no fault, and nothing was dialled"
    IGNORED = "what it has is to be ignored"
    WORKS = "it works"


def standing(diagnosis: Diagnosis, path: Path) -> Standing:
    """What the path is."""
    found = faults(path)
    if any(root.certainty is Certainty.PROVED for root in found):
        return Standing.FAULT
    if path.overlooked:
        return Standing.IGNORED
    untried = path.outcome is Outcome.UNTRIED and diagnosis.depth == "objects"
    if found or not diagnosis.complete or not (untried or path.outcome is Outcome.ACCEPTED):
        return Standing.OPEN
    return Standing.UNTRIED if untried else Standing.WORKS


def faults(path: Path) -> tuple[Root, ...]:
    """Its faults in the order in which they must be mended."""
    return ((path.root,) if path.root else ()) + path.chain


def paths_of(diagnosis: Diagnosis) -> list[Path]:
    """The paths, those with the surest fault first, those that work last; one that stands for none."""
    if not diagnosis.paths:
        none = Path(
            vantage="",
            entrance="",
            port="",
            family="",
            outcome=diagnosis.outcome,
            root=diagnosis.root,
            chain=(),
            hops=(),
        )
        return [none]
    return sorted(
        diagnosis.paths, key=lambda p: (_RANKS[p.root.certainty] if p.root else 3, silent(p), healthy(p))
    )


def not_in_tables(diagnosis: Diagnosis, paths: Sequence[Path]) -> list[Path]:
    """The paths to tell: of those that a table compares, the worst, and each with a fault of its own."""
    routes = {(m.port, m.family) for m in diagnosis.matrices if len(m.vantages) > 1}
    told: list[Path] = []
    for place, path in enumerate(paths):
        route = (path.port, path.family)
        first = all((p.port, p.family) != route for p in told)
        if first or route not in routes or (path.root and not same_fault(paths, place)):
            told.append(path)
    return told


def same_fault(paths: Sequence[Path], place: int) -> bool:
    """Whether an earlier path has this path's fault: same root, same change, and the same faults behind it."""
    here = _fault(paths[place])
    return here is not None and any(_fault(p) == here for p in paths[:place])


def _fault(path: Path) -> tuple[object, ...] | None:
    root = path.root
    return (root.code, root.headline, root.fix, [r.code for r in path.chain]) if root else None
