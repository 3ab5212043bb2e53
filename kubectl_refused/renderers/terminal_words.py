"""Outcomes in words: the verdict's sentence, its symbol and its colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.observation import FIRST_HAND, SAID_NOTHING, Outcome
from kubectl_refused.model.report import Diagnosis, Matrix, Path

# An accept is the kernel's: only who was heard to speak is said to work.
_HEARD = "works"
_WORDS = {
    Outcome.ACCEPTED: "accepts",
    Outcome.REFUSED: "is refused",
    Outcome.REJECTED: "is rejected",
    Outcome.TIMEOUT: "times out",
    Outcome.RESET: "accepts, then closes at once",
    Outcome.UNREACHABLE: "is unreachable",
    Outcome.UNRESOLVED: "does not resolve",
    Outcome.DENIED: "is denied",
    Outcome.MIXED: "fails for some",
    Outcome.UNTRIED: "was not tried",
    Outcome.UNKNOWN: "could not be judged",
}
_PLURALS = {
    "works": "work",
    "accepts": "accept",
    "is refused": "are refused",
    "is rejected": "are rejected",
    "times out": "time out",
    "accepts, then closes at once": "accept, then close at once",
    "is unreachable": "are unreachable",
    "does not resolve": "do not resolve",
    "is denied": "are denied",
    "fails for some": "fail for some",
    "was not tried": "were not tried",
}
_QUIET = (Outcome.ACCEPTED, Outcome.UNTRIED, Outcome.UNKNOWN)
_UNDIALLED = (Outcome.UNTRIED, Outcome.UNKNOWN)
_EXPECTED = {
    Certainty.PROVED: "cannot work",
    Certainty.LIKELY: "probably cannot work",
    Certainty.POSSIBLE: "perhaps cannot work",
}
_VERBS_OF_GAPS = ("is ", "belongs ", "leads ")
_PLACES = ("from ", "only from ")
HEDGES = {Certainty.PROVED: "", Certainty.LIKELY: "probably ", Certainty.POSSIBLE: "perhaps "}


def proved(path: Path) -> bool:
    """Whether a root cause is proved."""
    return path.root is not None and path.root.certainty is Certainty.PROVED


def healthy(path: Path) -> bool:
    """Whether it works and no fault is suspected."""
    return path.outcome is Outcome.ACCEPTED and path.root is None


def silent(path: Path) -> bool:
    """Whether there is nothing to explain: it works, or nobody tried and no fault is suspected."""
    return path.root is None and (path.overlooked or path.outcome in (Outcome.ACCEPTED, Outcome.UNTRIED))


def verb(path: Path) -> str:
    """`is refused`; what was not dialled but has a fault `cannot work`, as surely as that is."""
    if path.root and path.outcome in _UNDIALLED:
        return _EXPECTED[path.root.certainty]
    return _HEARD if path.outcome is Outcome.ACCEPTED and spoke(path) else _WORDS[path.outcome]


def spoke(path: Path) -> bool:
    """Whether the app was heard to say anything."""
    return any(dial.speaks for dial in path.dials)


def unasked(path: Path) -> bool:
    """Whether all that is known is that it accepts, and nothing was asked of it."""
    own = any(dial.witness in FIRST_HAND for dial in path.dials)
    return healthy(path) and own and not spoke(path) and SAID_NOTHING not in path.summary


def mark(diagnosis: Diagnosis, path: Path) -> tuple[str, str]:
    """The symbol before the verdict, and its colour."""
    if healthy(path):
        return ("✓", "green") if diagnosis.complete else ("?", "yellow")
    if proved(path) or (path.outcome not in _QUIET and not path.overlooked):
        return "✗", "red"
    return ("·", "dim") if silent(path) else ("?", "yellow")


def seen(diagnosis: Diagnosis, path: Path) -> str:
    """`seen from a pod on node2`; without any dial `seen in the objects alone`."""
    if path.vantage.endswith(" alone"):
        return f"seen in {path.vantage}"
    if diagnosis.depth == "objects":
        return "seen in the objects alone"
    return f"seen from {path.vantage}" if path.vantage else ""


def sentence(diagnosis: Diagnosis, path: Path, asked: str) -> str:
    """The verdict without its symbol: `svc/web:80 is refused: the app listens on 127.0.0.1 only`."""
    if path.root is not None:
        joint = ", but" if path.outcome is Outcome.ACCEPTED else ":"
        said = path.root.headline or path.root.says or path.root.name
        hedge = "" if path.outcome in _UNDIALLED else HEDGES[path.root.certainty]
        if which := compared(diagnosis, path):
            return f"{asked} {_ends(path, which)}; {hedge}{said}"
        return f"{asked} {verb(path)}{joint} {hedge}{said}"
    if path.ignored:
        named = ", ".join(dict.fromkeys(f"{one.name} ({one.code})" for one in path.ignored))
        return f"{asked} {verb(path)}; ignored: {named}"
    if path.outcome is Outcome.UNTRIED:
        where = seen(diagnosis, path).removeprefix("seen in ").removesuffix(" alone")
        inside = f" in {where}" if diagnosis.depth == "objects" else ""
        read = "" if diagnosis.complete else " as far as it could be read"
        return f"{asked} shows no fault{inside}{read} (nothing was dialled)"
    so_far = " as far as it was checked" if healthy(path) and not diagnosis.complete else ""
    return f"{asked} {verb(path)}{so_far}{_because(diagnosis, path)}"


def _because(diagnosis: Diagnosis, path: Path) -> str:
    """What stands behind the verb where no cause is known."""
    if healthy(path):
        if alike := _alike_from_all(diagnosis, path):
            return f": {alike}"
        placed = path.vantage and path.vantage not in path.summary and not path.vantage.endswith(" alone")
        told = [path.summary, f"from {path.vantage}" if placed else ""]
        return ": " + ", ".join(filter(None, told)) if any(told) else ""
    if path.summary:
        return f": {path.summary}"
    if which := compared(diagnosis, path):
        return f"{_ends(path, which).removeprefix(verb(path))}; no cause is proved"
    if path.outcome is not Outcome.UNKNOWN:
        return ", and no cause is proved"
    gap = next(iter(diagnosis.gaps), None)
    if gap is None:
        return ""
    # A clause without its subject, as reasons of dials that were not made are.
    subject = f"{gap.what} " if gap.because.startswith(_VERBS_OF_GAPS) else ""
    return f": {subject}{gap.because or gap.what}"


def _ends(path: Path, which: str) -> str:
    """`fails for some: 2 of 6 endpoints refuse`, `times out only from node2: all 3 endpoints time out`."""
    return f"{verb(path)}{' ' if which.startswith(_PLACES) else ': '}{which}"


def compared(diagnosis: Diagnosis, path: Path) -> str:
    """The sentence of the table about the path, where no proved cause says more; empty without one."""
    if proved(path) or path.outcome in _QUIET:
        return ""
    same = (m for m in diagnosis.matrices if (m.port, m.family) == (path.port, path.family))
    return next((m.sentence for m in same if not works(m)), "")


def _alike_from_all(diagnosis: Diagnosis, path: Path) -> str:
    """The sentence of a comparison in which everything works, empty without one."""
    for matrix in diagnosis.matrices:
        if (matrix.port, matrix.family) == (path.port, path.family) and len(matrix.vantages) > 1 and works(matrix):
            return matrix.sentence
    return ""


def works(matrix: Matrix) -> bool:
    """Whether every dial of a comparison was accepted, so that there is nothing to compare."""
    return all(cell.outcome is Outcome.ACCEPTED for row in matrix.rows for cell in row.cells)


def asked(diagnosis: Diagnosis, path: Path, paths: Sequence[Path]) -> str:
    """`svc/web:80`, with what tells this path from the others of the same port."""
    peers = [p for p in paths if (p.port, p.rule) == (path.port, path.rule)]
    name = diagnosis.target
    if path.rule:
        name = f"{name} for {path.rule}"
    elif path.port and ":" not in name:
        name = f"{name}:{path.port}"
    if len({p.family for p in peers}) > 1:
        name += f" over {path.family}"
    if len({p.vantage for p in peers}) > 1:
        name += f" from {path.vantage}"
    if sum((p.family, p.vantage) == (path.family, path.vantage) for p in peers) > 1:
        name += f" by {path.entrance}"
    return name


def totals(worst: Iterable[Path]) -> str:
    """`5 targets: 2 are refused, 1 times out, 2 work`, of the worst path of each."""
    counted = Counter("shows no fault" if silent(p) and not healthy(p) else verb(p) for p in worst)
    plurals = _PLURALS | {"shows no fault": "show no fault"}
    told = (f"{count} {word if count == 1 else plurals.get(word, word)}" for word, count in counted.items())
    return f"{counted.total()} targets: {', '.join(told)}"
