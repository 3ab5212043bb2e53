"""Worlds as they look once every controller is content: the pods are well, and the slices list them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from kubectl_refused.model.objects import (
    Condition,
    ContainerState,
    ContainerStateRunning,
    ContainerStatus,
    EndpointConditions,
    EndpointSlice,
    Metadata,
    ObjectReference,
    Pod,
    PodIP,
    PodStatus,
    Service,
    SliceEndpoint,
    SlicePort,
)
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, Change, Coverage, SeenObject, Snapshot, fold
from kubectl_refused.model.target import Target
from kubectl_refused.trace.containers import resolve_target_port
from kubectl_refused.trace.labels import carries

CONTROLLED = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
KINDS = (Service, EndpointSlice, Pod)


def contented(world: Sequence[SeenObject], target: Target) -> tuple[SeenObject, ...]:
    """The world with what the target's Service selects in the best of states, all else as it is."""
    place = (target.namespace, target.name)
    service = next(
        (o for o in world if isinstance(o, Service) and (o.metadata.namespace, o.metadata.name) == place), None
    )
    selector = service.spec.selector if service else None
    if service is None or not selector:
        return tuple(world)
    chosen = {
        one.metadata.name: well(one, f"10.1.7.{number}")
        for number, one in enumerate(world, start=1)
        if isinstance(one, Pod)
        and one.metadata.namespace == target.namespace
        and carries(one.metadata.labels, selector)
    }
    others = [
        o for o in world if not _is_slice_of(o, target) and not (isinstance(o, Pod) and _is_among(o, chosen))
    ]
    return (*others, *chosen.values(), slice_of(service, list(chosen.values())))


def _is_slice_of(value: SeenObject, target: Target) -> bool:
    labels = value.metadata.labels or {}
    return isinstance(value, EndpointSlice) and labels.get(SERVICE_NAME_LABEL) == target.name


def _is_among(pod: Pod, chosen: dict[str, Pod]) -> bool:
    own = chosen.get(pod.metadata.name)
    return own is not None and own.metadata.namespace == pod.metadata.namespace


def well(pod: Pod, address: str) -> Pod:
    """The pod as its kubelet tells of it when all is well."""
    runs = ContainerState(running=ContainerStateRunning())
    names = [container.name for container in pod.spec.containers or ()]
    status = PodStatus(
        phase="Running",
        pod_ip=address,
        pod_ips=(PodIP(ip=address),),
        conditions=(Condition("Ready", "True"), Condition("PodScheduled", "True")),
        container_statuses=tuple(ContainerStatus(name, ready=True, started=True, state=runs) for name in names),
    )
    return replace(pod, status=status, metadata=replace(pod.metadata, deletion_timestamp=None))


def slice_of(service: Service, pods: Sequence[Pod]) -> EndpointSlice:
    """What the controller writes of pods that resolve every port."""
    space, name = service.metadata.namespace, service.metadata.name
    endpoints = tuple(
        SliceEndpoint(
            addresses=((pod.status.pod_ip or "") if pod.status else "",),
            conditions=EndpointConditions(ready=True, serving=True, terminating=False),
            node_name=pod.spec.node_name,
            target_ref=ObjectReference("Pod", pod.metadata.name, space, pod.metadata.uid),
        )
        for pod in pods
    )
    numbers = [
        (p, next((n for pod in pods if (n := resolve_target_port(pod, p))), None))
        for p in service.spec.ports or ()
    ]
    ports = tuple(SlicePort(p.name, number, p.protocol) for p, number in numbers if number)
    labels = {SERVICE_NAME_LABEL: name, **CONTROLLED}
    return EndpointSlice(Metadata(name=f"{name}-calm", namespace=space, labels=labels), "IPv4", endpoints, ports)


def read_whole(world: Sequence[SeenObject]) -> Snapshot:
    """As a scan of everything reads it."""
    mine = [Change(0.0, value=one) for one in world if isinstance(one, KINDS)]
    return fold([*mine, *(Change(0.0, covered=Coverage(kind.__name__, "")) for kind in KINDS)])
