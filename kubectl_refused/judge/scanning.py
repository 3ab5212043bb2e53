"""From the diagnoses of all Services to one table: what is broken first, what is so on purpose last. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from msgspec.structs import replace

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import (
    Diagnosis,
    FailOn,
    GapTold,
    IgnoredIn,
    Path,
    Reach,
    Root,
    Scan,
    ScanRow,
    State,
    Touched,
)
from kubectl_refused.model.snapshot import Snapshot

from .outcomes import FAILING

# Worst first; what works comes before what is not meant to be reached.
ORDER: tuple[State, ...] = ("broken", "unjudged", "ignored", "works", "idle")
_DEPTHS: tuple[Literal["packets", "passive", "objects"], ...] = ("packets", "passive", "objects")
Way = Literal["accepting", "failing", "unknown"]
# Faults that somebody brings about on purpose too, and then of the whole Service.
SCALED_TO_ZERO, NO_ENDPOINTS_WRITTEN = "zero-replicas", "no-selector-and-no-slice"


class Judged(NamedTuple):
    """What a scan keeps of one Service: the whole diagnosis only of what is told in full."""

    row: ScanRow
    badness: tuple[int, int, float, int, str, str]
    depth: Literal["packets", "passive", "objects"]
    item: Diagnosis | None
    ignored: tuple[IgnoredIn, ...]
    seen: tuple[tuple[str, Way], ...]

    @property
    def well(self) -> bool:
        """Whether nothing is to be said of it but that it works."""
        return self.row.state == "works"


def judged(diagnosis: Diagnosis, snapshot: Snapshot, idle: Mapping[str, str] = MappingProxyType({})) -> Judged:
    """One diagnosis as a scan keeps it; `idle` says why targets need not be reached."""
    row = row_of(diagnosis, snapshot.service(diagnosis.namespace, diagnosis.target.removeprefix("svc/")), idle)
    told = row.state in ("broken", "unjudged")
    seen = tuple((path.vantage, _way(path.outcome)) for path in diagnosis.paths)
    return Judged(
        row,
        _badness(row, diagnosis),
        diagnosis.depth,
        diagnosis if told else None,
        tuple(_ignored(diagnosis)),
        seen,
    )


def scan_of(
    found: Iterable[Judged],
    snapshot: Snapshot,
    *,
    context: str,
    namespace: str,
    selector: str,
    fail_on: FailOn,
    notices: Sequence[Gap],
    touched: Iterable[tuple[str, str]],
) -> Scan:
    """The report of a scan. `notices` are told once, for all."""
    common = {GapTold(what=g.what, because=g.because, remedy=g.remedy): None for g in (*snapshot.gaps, *notices)}
    ordered = sorted(found, key=lambda one: one.badness)
    counted = Counter(one.row.state for one in ordered)
    depths = {one.depth for one in ordered}
    return Scan(
        context=context,
        namespace=namespace,
        selector=selector,
        depth=next((depth for depth in _DEPTHS if depth in depths), "objects"),
        fail_on=fail_on,
        rows=tuple(one.row for one in ordered),
        counts={state: counted[state] for state in ORDER},
        items=tuple(_alone(one.item, common) for one in ordered if one.item is not None),
        ignored=tuple(ignored for one in ordered for ignored in one.ignored),
        gaps=tuple(common),
        touched=tuple(Touched(what=what, undone=undone) for what, undone in touched),
        complete=any(one.kind in ("Service", "EngineContainer") for one in snapshot.coverage),
        reach=tuple(_reach(ordered)),
    )


def _reach(found: Iterable[Judged]) -> Iterator[Reach]:
    """What each vantage saw of all paths, by the vantages' names."""
    seen: dict[str, Counter[Way]] = {}
    for vantage, way in (pair for one in found for pair in one.seen):
        seen.setdefault(vantage, Counter())[way] += 1
    for vantage, ways in sorted(seen.items()):
        yield Reach(vantage=vantage, accepting=ways["accepting"], failing=ways["failing"], unknown=ways["unknown"])


def _way(outcome: Outcome) -> Way:
    if outcome in FAILING:
        return "failing"
    return "accepting" if outcome is Outcome.ACCEPTED else "unknown"


def row_of(
    diagnosis: Diagnosis, service: Service | None, known: Mapping[str, str] = MappingProxyType({})
) -> ScanRow:
    """One Service in one line."""
    root, idle = diagnosis.root, known.get(diagnosis.target) or idle_because(diagnosis, service)
    state: State = "idle" if idle else _state(diagnosis)
    bad = [path for path in diagnosis.paths if path.root or (path.outcome in FAILING and not path.overlooked)]
    return ScanRow(
        target=diagnosis.target,
        namespace=diagnosis.namespace,
        state=state,
        outcome=diagnosis.outcome,
        ports=tuple(dict.fromkeys(path.port for path in diagnosis.paths if path.port)),
        failing=len(bad),
        paths=len(diagnosis.paths),
        code=root.code if root else "",
        name=root.name if root else "",
        certainty=root.certainty.value if root else "",
        says=idle or _why(diagnosis, state, root),
    )


def idle_because(diagnosis: Diagnosis, service: Service | None) -> str:
    """Why nobody is to be alarmed that the Service cannot be reached, or cannot be judged; empty otherwise."""
    root = diagnosis.root
    if root is not None:
        if root.name == SCALED_TO_ZERO:
            return root.headline
        headless = service is not None and service.spec.cluster_ip == "None"
        return "headless, without selector and endpoints" if headless and root.name == NO_ENDPOINTS_WRITTEN else ""
    if service is None or diagnosis.outcome in FAILING:
        return ""
    if service.spec.type == "ExternalName":
        return f"an alias of {service.spec.external_name or 'nothing'}"
    if not any(port.protocol == "TCP" for port in service.spec.ports or ()):
        return "it has no TCP port"
    if not service.spec.selector and diagnosis.outcome in (Outcome.UNTRIED, Outcome.UNKNOWN):
        return "its endpoints are written by hand and were not dialled"
    return ""


def _state(diagnosis: Diagnosis) -> State:
    if diagnosis.root is not None or any(p.outcome in FAILING and not p.overlooked for p in diagnosis.paths):
        return "broken"
    if diagnosis.paths and any(path.overlooked for path in diagnosis.paths):
        return "ignored"
    fine = {Outcome.ACCEPTED} | ({Outcome.UNTRIED} if diagnosis.depth == "objects" else set())
    return "works" if diagnosis.complete and diagnosis.outcome in fine else "unjudged"


def _why(diagnosis: Diagnosis, state: State, root: Root | None) -> str:
    if root is not None:
        return root.headline or root.says
    if state == "ignored":
        found = next(one for path in diagnosis.paths for one in path.ignored)
        return f"{found.name} is ignored by {found.by}"
    if state == "unjudged":
        gap = next(iter(diagnosis.gaps), None)
        return f"{gap.what}: {gap.because}" if gap else ""
    return "no cause is known" if state == "broken" else ""


def _badness(row: ScanRow, diagnosis: Diagnosis) -> tuple[int, int, float, int, str, str]:
    """The state, how sure the fault is, the share that fails, how many paths that are; then by name."""
    sure = [certainty.value for certainty in Certainty]
    certainty = sure.index(row.certainty) if row.certainty else len(sure)
    whole = sum(_share(path) for path in diagnosis.paths) / max(row.paths, 1)
    return ORDER.index(row.state), certainty, -whole, -row.failing, row.namespace, row.target


def _share(path: Path) -> float:
    """How much of a path is broken: half where some of its endpoints work."""
    if path.outcome is Outcome.MIXED:
        return 0.5
    return float(path.root is not None or path.outcome in FAILING)


def _ignored(diagnosis: Diagnosis) -> list[IgnoredIn]:
    found = dict.fromkeys(one for path in diagnosis.paths for one in path.ignored)
    return [IgnoredIn(target=diagnosis.target, namespace=diagnosis.namespace, finding=one) for one in found]


def _alone(diagnosis: Diagnosis, common: Iterable[GapTold]) -> Diagnosis:
    """The diagnosis without what is told of the whole scan."""
    shared = set(common)
    gaps = tuple(gap for gap in diagnosis.gaps if gap not in shared)
    return replace(diagnosis, gaps=gaps, touched=())
