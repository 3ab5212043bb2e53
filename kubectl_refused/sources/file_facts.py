"""The facts about objects that a cluster is asked for one by one, answered from manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from kubectl_refused.model.facts import (
    CONFIG_MAP,
    ENTRANCES_IN,
    EVENTS,
    EVENTS_OF,
    HOLDER,
    MESH,
    NAMESPACE,
    NAMESPACES,
    NODE,
    NODES,
    OTHER_POLICIES,
    PODS_ELSEWHERE,
    PODS_IN,
    POLICIES_IN,
    REPLICA_SETS,
    SECRET_TYPE,
    SERVICES_EVERYWHERE,
    SERVICES_IN,
    SERVICES_NAMED,
    SLICES_IN,
    WORKLOAD,
    WORKLOADS_IN,
    ConfigMapKey,
    Fact,
    KindKey,
    Need,
    PodKey,
    SelectorKey,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import (
    ConfigMap,
    EndpointSlice,
    Metadata,
    Namespace,
    NetworkPolicy,
    Pod,
    Service,
    Workload,
)
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import ProbeContext, Right
from kubectl_refused.probes.workload_reads import MOST_STEPS, controller
from kubectl_refused.trace.labels import pods_anywhere


def _all(snapshot: Snapshot, type_: type[Any], namespace: str | None = None) -> Iterator[Any]:
    """Those of the type: found once for all, as a scan asks for every Service."""
    spaces = snapshot.derived(f"every {type_.__name__}", lambda: _by_namespace(snapshot, type_))
    yield from (
        (one for values in spaces.values() for one in values) if namespace is None else spaces.get(namespace, ())
    )


def _by_namespace(snapshot: Snapshot, type_: type[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for value in snapshot.objects.values():
        if isinstance(value, type_):
            found.setdefault(value.metadata.namespace, []).append(value)
    return found


def _in(type_: type[Any]) -> Callable[[Snapshot, Any], Any]:
    def answer(snapshot: Snapshot, key: Any) -> Any:
        kind = type_.__name__  # workloads have kinds of their own, and are only asked beside their pods
        if type_ is not Workload and not snapshot.read(kind, key.namespace):
            return Gap(f"{kind}s of namespace {key.namespace}", "the files may not show all of them")
        return tuple(_all(snapshot, type_, key.namespace))

    return answer


def _services_named(snapshot: Snapshot, key: Any) -> tuple[Service, ...]:
    return tuple(s for s in _all(snapshot, Service) if s.metadata.name == key.name)


def _pods_elsewhere(snapshot: Snapshot, key: SelectorKey) -> tuple[Pod, ...]:
    return pods_anywhere(snapshot, dict(key.labels))


def _services(snapshot: Snapshot, key: Any) -> tuple[Service, ...]:
    return tuple(_all(snapshot, Service))


def _namespace(snapshot: Snapshot, key: Any) -> Any:
    found = snapshot.objects.get(("Namespace", "", key.namespace))
    return found or Gap(f"namespace {key.namespace}", "the files do not define it", "add its manifest with -f")


def _namespaces(snapshot: Snapshot, key: Any) -> tuple[Namespace, ...]:
    return tuple(_all(snapshot, Namespace))


def _config_map(snapshot: Snapshot, key: ConfigMapKey) -> Any:
    """An empty one where the files hold none: something else may generate it."""
    found = snapshot.objects.get(("ConfigMap", key.namespace, key.name))
    return found or ConfigMap(metadata=Metadata(name=key.name, namespace=key.namespace))


def _workload(snapshot: Snapshot, key: PodKey) -> Any:
    """The topmost workload that made the pod, as far as the files tell."""
    found: Any = snapshot.objects.get(("Pod", key.namespace, key.name))
    for _ in range(MOST_STEPS):
        owner = controller(found.metadata) if found else None
        if owner is None:
            break
        found = snapshot.objects.get((owner.kind, key.namespace, owner.name))
        if found is None:
            what = f"{owner.kind.lower()}/{owner.name}"
            return Gap(what, "the files do not define it", "add its manifest with -f")
    if isinstance(found, Workload):
        return found
    return Gap(f"the workload of pod/{key.name}", "nothing made it, it stands for itself")


def _entrances(snapshot: Snapshot, key: KindKey) -> tuple[str, ...]:
    return tuple(name for kind, space, name in snapshot.objects if (kind, space) == (key.kind, key.namespace))


def _events(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("events", "manifests have none")


def _unrolled(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("earlier revisions", "manifests have none")


def _other_policies(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("policies of other kinds", "nothing is dialled in files, so nothing is denied")


def _mesh(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("what a mesh is told", "no proxy runs in files")


def _secret_type(snapshot: Snapshot, key: Any) -> Gap:
    return Gap(f"secret/{key.name}", "Secrets are seldom beside the manifests that name them, and are not kept")


def _no_cluster(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("nodes and addresses", "manifests have none")


FILE_ANSWERS: dict[Fact[Any], Callable[[Snapshot, Any], Any]] = {
    PODS_IN: _in(Pod),
    WORKLOADS_IN: _in(Workload),
    SERVICES_IN: _in(Service),
    SLICES_IN: _in(EndpointSlice),
    SERVICES_NAMED: _services_named,
    SERVICES_EVERYWHERE: _services,
    PODS_ELSEWHERE: _pods_elsewhere,
    POLICIES_IN: _in(NetworkPolicy),
    OTHER_POLICIES: _other_policies,
    MESH: _mesh,
    SECRET_TYPE: _secret_type,
    NAMESPACE: _namespace,
    NAMESPACES: _namespaces,
    CONFIG_MAP: _config_map,
    WORKLOAD: _workload,
    ENTRANCES_IN: _entrances,
    EVENTS: _events,
    EVENTS_OF: _events,
    REPLICA_SETS: _unrolled,
    NODE: _no_cluster,
    NODES: _no_cluster,
    HOLDER: _no_cluster,
}


class FileFacts:
    """A Method (probes/base.py) that looks into the Snapshot, which holds all that the files hold."""

    name = "files"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset(FILE_ANSWERS)
    rights: tuple[Right, ...] = ()

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[tuple[Need, Any]]:
        """Yield a value or a Gap for each need."""
        for need in needs:
            yield need, FILE_ANSWERS[need.fact](context.snapshot, need.subject)
