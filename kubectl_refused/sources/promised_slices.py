"""EndpointSlices that the controller would make of a Service and its pods as their statuses are.

kubernetes pkg/controller/util/endpoint and staging endpointslice/utils.go: pods that have ended have no endpoint,
one is ready as its pod is, and a name that no container has leaves its port out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.model.objects import (
    EndpointConditions,
    EndpointSlice,
    Metadata,
    ObjectReference,
    Pod,
    Service,
    SliceEndpoint,
    SlicePort,
)
from kubectl_refused.trace.containers import resolve_target_port
from kubectl_refused.trace.labels import carries

_Ports = tuple[SlicePort, ...]


def promised_slices(service: Service, pods: Iterable[Pod], label: str) -> Iterator[EndpointSlice]:
    """One slice for each family and each set of ports; none without a selector."""
    if not service.spec.selector or service.spec.type == "ExternalName":
        return
    mine = [pod for pod in pods if carries(pod.metadata.labels, service.spec.selector) and _lives(pod)]
    families = service.spec.ip_families or ("IPv4",)
    for family in families:
        groups: dict[_Ports, list[SliceEndpoint]] = {}
        for pod in mine:
            if address := _address(pod, family):
                groups.setdefault(_ports(service, pod), []).append(_endpoint(service, pod, address))
        for number, (ports, endpoints) in enumerate(groups.items()):
            name = f"{service.metadata.name}-{family.lower()}-{number}"
            metadata = Metadata(
                name=name, namespace=service.metadata.namespace, labels={label: service.metadata.name}
            )
            yield EndpointSlice(metadata=metadata, address_type=family, endpoints=tuple(endpoints), ports=ports)


def _lives(pod: Pod) -> bool:
    return pod.status is not None and pod.status.phase not in ("Succeeded", "Failed")


def _address(pod: Pod, family: str) -> str:
    assert pod.status is not None
    given = [pod.status.pod_ip or "", *(one.ip for one in pod.status.pod_ips or ())]
    return next((one for one in given if one and (":" in one) == (family == "IPv6")), "")


def _ports(service: Service, pod: Pod) -> _Ports:
    numbers = ((port, resolve_target_port(pod, port)) for port in service.spec.ports or ())
    return tuple(
        SlicePort(name=port.name, port=number, protocol=port.protocol) for port, number in numbers if number
    )


def _endpoint(service: Service, pod: Pod, address: str) -> SliceEndpoint:
    assert pod.status is not None
    serving = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())
    ending = pod.metadata.deletion_timestamp is not None
    ready = bool(service.spec.publish_not_ready_addresses) or (serving and not ending)
    meta = pod.metadata
    return SliceEndpoint(
        addresses=(address,),
        conditions=EndpointConditions(ready=ready, serving=serving, terminating=ending),
        node_name=pod.spec.node_name,
        target_ref=ObjectReference(kind="Pod", name=meta.name, namespace=meta.namespace, uid=meta.uid),
    )
