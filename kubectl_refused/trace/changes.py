"""Everything on a path that changed, with time and author where the API server keeps them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubectl_refused.model.facts import EVENTS, POLICIES_IN, REPLICA_SETS, WORKLOAD, WORKLOADS_IN, NamespaceKey
from kubectl_refused.model.objects import Metadata, NetworkPolicy, Pod, Workload
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.text import mask, one_line

from .edits import editor_at, last_edit
from .labels import carries
from .policies import selecting
from .rollouts import last_rollout
from .statuses import reported, seconds

# Pods of so many makers are asked about: one of each tells for all of its.
MOST_MAKERS = 3
# The controller makes a ReplicaSet for a change within seconds of it.
AT_ONCE = 15.0
_SLICES_OWN = "endpointslice.kubernetes.io/managed-by"
_MIRRORED = "endpointslicemirroring-controller.k8s.io"
# Events that tell of a change from outside; what a container does by itself is the causes' to say.
_TELLING = frozenset({"Preempted", "Evicted", "TaintManagerEviction", "NodeNotReady", "Rebooted"})


class Entry(Struct, frozen=True):
    """One change: when (seconds since the epoch), of what, what of it, and by whom."""

    at: float
    what: str
    says: str
    by: str = ""
    revision: int | None = None
    created: bool = False


def entries(scene: Scene, pods: Iterable[Pod]) -> Iterator[Entry]:
    """The last change of each part of the path that leads to these pods."""
    pods = tuple(pods)
    if scene.service is not None:
        yield from _edited("service", scene.service.metadata)
    yield from _slices(scene)
    for policy in _policies(scene, pods):
        yield from _edited("networkpolicy", policy.metadata)
    for workload, sets in workloads(scene, pods):
        yield from _rolled_out(workload, sets)
    yield from _events(scene, pods)


def births(scene: Scene, pods: Iterable[Pod]) -> Iterator[float]:
    """When the parts of the path were made, in seconds since the epoch."""
    pods = tuple(pods)
    parts = [scene.service.metadata] if scene.service else []
    parts += [p.metadata for p in pods] + [w.metadata for w, _ in workloads(scene, pods)]
    yield from (at for part in parts if (at := seconds(part.creation_timestamp)) is not None)


def one_of_each(pods: Iterable[Pod]) -> Iterator[Pod]:
    """One pod of each maker, the makers of endpoints that stand first."""
    makers: set[tuple[str, str]] = set()
    for pod in pods:
        owner = next((o for o in pod.metadata.owner_references or () if o.controller), None)
        maker = (owner.kind, owner.name) if owner else ("Pod", pod.metadata.name)
        if maker not in makers and len(makers) < MOST_MAKERS:
            makers.add(maker)
            yield pod


def _edited(kind: str, metadata: Metadata) -> Iterator[Entry]:
    if edit := last_edit(metadata):
        yield Entry(edit.at, f"{kind}/{metadata.name}", edit.told, edit.by, created=edit.created)


def _slices(scene: Scene) -> Iterator[Entry]:
    """Slices made by hand; of one mirrored from Endpoints its controller is the editor, which is no news."""
    for part in scene.slices:
        if (part.metadata.labels or {}).get(_SLICES_OWN) == _MIRRORED:
            times = [seconds(e.time) for e in part.metadata.managed_fields or ()]
            latest = max((at for at in times if at is not None), default=None)
            born = seconds(part.metadata.creation_timestamp)
            if latest is not None:
                fresh = born is not None and latest - born <= 1
                told = "created" if fresh else "changed"
                yield Entry(latest, f"endpoints/{scene.target.name}", told, created=fresh)
        else:
            yield from _edited("endpointslice", part.metadata)


def _policies(scene: Scene, pods: Iterable[Pod]) -> Iterator[NetworkPolicy]:
    """Policies that judge a pod of the path, or the client where those of its namespace were read."""
    here = scene.known(POLICIES_IN, NamespaceKey(scene.target.namespace)) or ()
    for labels in {tuple(sorted((p.metadata.labels or {}).items())) for p in pods}:
        yield from selecting(here, "Ingress", scene.target.namespace, dict(labels))
    if scene.vantage.is_pod:
        space = scene.vantage.namespace
        there = scene.known(POLICIES_IN, NamespaceKey(space)) or ()
        yield from selecting(there, "Egress", space, dict(scene.vantage.labels))


def workloads(scene: Scene, pods: Iterable[Pod]) -> Iterator[tuple[Workload, tuple[Workload, ...]]]:
    """What made the pods, or would make pods for the selector, each with its ReplicaSets."""
    selector = (scene.service.spec.selector if scene.service else None) or {}
    told: set[tuple[str, str]] = set()
    found: list[tuple[Workload | None, tuple[Workload, ...]]] = [
        (scene.known(WORKLOAD, pod_key(p)), scene.known(REPLICA_SETS, pod_key(p)) or ()) for p in one_of_each(pods)
    ]
    around = scene.known(WORKLOADS_IN, NamespaceKey(scene.target.namespace)) or ()
    found += [(w, ()) for w in around if selector and carries(w.spec.template.metadata.labels, selector)]
    for workload, sets in found:
        if workload is not None and (workload.kind, workload.metadata.name) not in told:
            told.add((workload.kind, workload.metadata.name))
            yield workload, sets


def _rolled_out(workload: Workload, sets: Iterable[Workload]) -> Iterator[Entry]:
    """The last rollout and who asked for it; what was changed at another time is a change of its own."""
    what, meta = f"{workload.kind.lower()}/{workload.metadata.name}", workload.metadata
    rollout, edit = last_rollout(sets), last_edit(meta)
    if rollout:
        by = editor_at(meta, rollout.at, AT_ONCE)
        yield Entry(rollout.at, what, rollout.says, by, rollout.revision)
    if edit and not (rollout and abs(edit.at - rollout.at) <= AT_ONCE):
        yield Entry(edit.at, what, edit.told, edit.by, created=edit.created)


def restarts(pods: Iterable[Pod]) -> Iterator[Entry]:
    """The last restart of each container, where no fault of the pod itself tells it."""
    for pod in pods:
        for one in reported(pod):
            ended = one.status.last_state.terminated
            at = seconds(ended.finished_at) if ended and one.status.restart_count else None
            if ended and at is not None and not one.init:
                why = f"exit code {ended.exit_code}" + (f", {ended.reason}" if ended.reason != "Error" else "")
                says = f"{one.shown} restarted ({one_line(why.removesuffix(', '), 60)})"
                yield Entry(at, f"pod/{pod.metadata.name}", says)


def _events(scene: Scene, pods: Iterable[Pod]) -> Iterator[Entry]:
    """Events that were read anyway and tell of a change."""
    for pod in pods:
        for event in scene.known(EVENTS, pod_key(pod)) or ():
            at = seconds(event.last_timestamp or event.event_time)
            if event.reason in _TELLING and at is not None:
                says = one_line(mask(f"{event.reason}: {event.message}"), 120)
                yield Entry(at, f"pod/{pod.metadata.name}", says)
