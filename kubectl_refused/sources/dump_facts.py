"""The facts that a dump answers: those about objects, events, nodes, and the logs of containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import ContainerKey, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Event, Node, Pod, Service
from kubectl_refused.model.observation import Holder, Log
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import ProbeContext, Right
from kubectl_refused.probes.container_log import shown_lines
from kubectl_refused.probes.holder_reads import canonical, of_nodes, of_pods, of_services
from kubectl_refused.probes.workload_reads import controller
from kubectl_refused.text import mask

from .dump import DumpSource
from .file_facts import FILE_ANSWERS

_NOT_IN_A_DUMP = "a dump has none"


def _every(snapshot: Snapshot, type_: type[Any]) -> Iterator[Any]:
    return (value for value in snapshot.objects.values() if isinstance(value, type_))


def _no_slices(snapshot: Snapshot, key: Any) -> Gap:
    return Gap(f"EndpointSlices of namespace {key.namespace}", _NOT_IN_A_DUMP)


def _no_policies(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("policies", _NOT_IN_A_DUMP)


def _namespace(snapshot: Snapshot, key: Any) -> Gap:
    return Gap(f"namespace {key.namespace}", "a dump does not hold it")


def _namespaces(snapshot: Snapshot, key: Any) -> Gap:
    return Gap("the namespaces", _NOT_IN_A_DUMP)


def _config_map(snapshot: Snapshot, key: Any) -> Gap:
    return Gap(f"configmap/{key.name}", _NOT_IN_A_DUMP)


def _workload(snapshot: Snapshot, key: Any) -> Any:
    found = FILE_ANSWERS[f.WORKLOAD](snapshot, key)
    why = found.because.replace("the files do", "the dump does") if isinstance(found, Gap) else ""
    return Gap(found.what, why) if why else found


def _events(snapshot: Snapshot, key: Any) -> tuple[Event, ...]:
    kind = getattr(key, "kind", "Pod")
    about = [
        msgspec.structs.replace(event, message=mask(event.message))
        for event in _every(snapshot, Event)
        if (event.involved_object.kind, event.metadata.namespace, event.involved_object.name)
        == (kind, key.namespace, key.name)
    ]
    return tuple(sorted(about, key=lambda e: e.last_timestamp or e.event_time or ""))


def _replica_sets(snapshot: Snapshot, key: Any) -> Any:
    pod = snapshot.pod(key.namespace, key.name)
    owner = controller(pod.metadata) if pod else None
    mine = snapshot.objects.get(("ReplicaSet", key.namespace, owner.name)) if owner else None
    above = controller(mine.metadata) if mine else None
    if above is None:
        return Gap(f"the ReplicaSets of pod/{key.name}", "no Deployment made it")
    sets = (one for one in snapshot.workloads(key.namespace) if one.kind == "ReplicaSet")
    return tuple(one for one in sets if (c := controller(one.metadata)) and c.name == above.name)


def _node(snapshot: Snapshot, key: Any) -> Any:
    return snapshot.objects.get(("Node", "", key.name)) or Gap(f"node/{key.name}", "the dump does not hold it")


def _nodes(snapshot: Snapshot, key: Any) -> tuple[Node, ...]:
    return tuple(_every(snapshot, Node))


def _holder(snapshot: Snapshot, key: Any) -> Holder | Gap:
    """Never nobody: other namespaces may not be in the dump."""
    held = {
        **of_pods(_every(snapshot, Pod)),
        **of_nodes(_every(snapshot, Node)),
        **of_services(_every(snapshot, Service)),
    }
    return held.get(canonical(key.address)) or Gap(f"whom {key.address} belongs to", "the dump does not tell")


_ANSWERS: dict[Fact[Any], Callable[[Snapshot, Any], Any]] = {
    **FILE_ANSWERS,
    f.SLICES_IN: _no_slices,
    f.POLICIES_IN: _no_policies,
    f.OTHER_POLICIES: _no_policies,
    f.NAMESPACE: _namespace,
    f.NAMESPACES: _namespaces,
    f.CONFIG_MAP: _config_map,
    f.WORKLOAD: _workload,
    f.EVENTS: _events,
    f.EVENTS_OF: _events,
    f.REPLICA_SETS: _replica_sets,
    f.NODE: _node,
    f.NODES: _nodes,
    f.HOLDER: _holder,
}
_OF_ONE_NAMESPACE = (f.PODS_IN, f.WORKLOADS_IN, f.SERVICES_IN)


class DumpFacts:
    """A Method (probes/base.py) that looks into a dump."""

    name = "dump"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({*_ANSWERS, f.LOG})
    rights: tuple[Right, ...] = ()

    def __init__(self, source: DumpSource) -> None:
        self._source = source

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[tuple[Need, Any]]:
        """Yield a value or a Gap for each need. Raises ManifestProblem for a log that cannot be read."""
        for need in needs:
            yield need, self._value(need, context.snapshot)

    def _value(self, need: Need, snapshot: Snapshot) -> Any:
        if need.fact is f.LOG:
            return self._log(need.subject)
        if need.fact in _OF_ONE_NAMESPACE and not snapshot.read("Pod", need.subject.namespace):
            return Gap(need.fact.about, f"namespace {need.subject.namespace} is not in the dump")
        return _ANSWERS[need.fact](snapshot, need.subject)

    def _log(self, key: ContainerKey) -> Log | Gap:
        what = f"the {'previous ' if key.previous else ''}log of {key.pod}/{key.container}"
        if key.previous:
            return Gap(what, "a dump has no logs of earlier runs")
        text = self._source.log(key.namespace, key.pod, key.container)
        return Gap(what, "the dump does not hold it") if text is None else Log(shown_lines(text))
