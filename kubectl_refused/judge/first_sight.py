"""What a scan of objects says of a Service that looks well: the same row as by the whole way, for a tenth of it.

Most Services of a cluster are like this. Who has a path with any symptom, or of whom any cause has a word to say
or a question, is none of them, and goes the whole way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from msgspec.structs import replace as changed

from kubectl_refused.causes import Cause, catalogue
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import ScanRow
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target, Vantage
from kubectl_refused.trace.calm import calm
from kubectl_refused.trace.ignores import Ignores
from kubectl_refused.trace.rulings import rule
from kubectl_refused.trace.scenes import scenes

from .scanning import ORDER, Judged


def well_at_first_sight(
    targets: Sequence[Target],
    snapshot: Snapshot,
    facts: FactStore,
    vantages: Sequence[Vantage],
    ignores: Ignores,
    looks_well: Callable[[Scene], bool] = calm,
) -> Iterator[Judged | None]:
    """For each target its row where all of it looks well, else None: judge those by the whole way.

    `facts` must know nothing but what is beyond reach; with anything unread nobody is well at first sight.
    `looks_well` is calm_by_slices where no pods were read.
    """
    vantage = replace(vantages[0], kind="objects") if len(vantages) == 1 and not vantages[0].kind else None
    for target in targets:
        if vantage is None or snapshot.gaps or not target.is_service:
            yield None
        else:
            seen = scenes(target, snapshot, facts, vantage)
            yield _well(target, seen, ignores) if seen and all(looks_well(scene) for scene in seen) else None


def _well(target: Target, seen: Sequence[Scene], ignores: Ignores) -> Judged | None:
    for scene in seen:
        ruling = rule(_one_of_each_sort(scene), _outspoken(), ignores)
        if ruling.found or ruling.notes or ruling.open:
            return None
    row = ScanRow(
        target=str(target),
        namespace=target.namespace,
        state="works",
        outcome=Outcome.UNTRIED,
        ports=tuple(dict.fromkeys(str(scene.number) for scene in seen)),
        failing=0,
        paths=len(seen),
    )
    badness = (ORDER.index("works"), len(Certainty), -0.0, 0, row.namespace, row.target)
    return Judged(row, badness, "objects", None, (), tuple((str(scene.vantage), "unknown") for scene in seen))


def _one_of_each_sort(scene: Scene) -> Scene:
    """The scene with one endpoint of several whose pods were made alike: of those the objects tell the same."""
    kept: list[Endpoint] = []
    for endpoint in scene.endpoints:
        if not any(_alike(endpoint, other) for other in kept):
            kept.append(endpoint)
    return changed(scene, endpoints=tuple(kept))


def _alike(one: Endpoint, other: Endpoint) -> bool:
    """Whether one template made both, as far as any cause may look."""
    if one.port != other.port or one.pod is None or other.pod is None:
        return one.port == other.port and one.pod is other.pod  # where no pods were read
    mine, its = one.pod, other.pod
    return (
        mine.metadata.labels == its.metadata.labels
        and mine.metadata.annotations == its.metadata.annotations
        and mine.metadata.owner_references == its.metadata.owner_references
        and mine.spec.containers == its.spec.containers
        and mine.spec.init_containers == its.spec.init_containers
    )


@cache
def _outspoken() -> tuple[Cause, ...]:
    """The causes that may have something to say of a path that looks well."""
    return tuple(cause for cause in catalogue("Service") if not cause.needs_symptom)
