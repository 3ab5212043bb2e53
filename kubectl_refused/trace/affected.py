"""On which Services' own paths something is not as it was, between two snapshots.

A Service's path is itself, its slices, the pods that it selects or that its slices name, and who shares an address
with one of those. What else a cause compares (names that nearly match, pods elsewhere) matters where something is
wrong already, and that is looked at again with every change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubectl_refused.model.objects import EndpointSlice, Pod, Service
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, Key, SeenObject, Snapshot
from kubectl_refused.trace.labels import carries

Place = tuple[str, str]  # namespace and name of a Service


def affected(before: Snapshot, after: Snapshot, changed: Iterable[Key]) -> set[Place]:
    """Services that are there after, or were before."""
    found: set[Place] = set()
    pairs = [(before.objects.get(key), after.objects.get(key)) for key in changed]
    objects = [one for pair in pairs for one in pair if one is not None]
    for one in objects:
        if isinstance(one, Service):
            found.add((one.metadata.namespace, one.metadata.name))
        elif isinstance(one, EndpointSlice):
            found.update(_named(one))
    for snapshot in (before, after):
        found.update(_behind(snapshot, [one for one in objects if isinstance(one, Pod)]))
        found.update(_beside(snapshot, [one for one in objects if isinstance(one, Service)]))
    return found


def _named(part: EndpointSlice) -> Iterator[Place]:
    service = (part.metadata.labels or {}).get(SERVICE_NAME_LABEL)
    if service:
        yield part.metadata.namespace, service


def _behind(snapshot: Snapshot, pods: list[Pod]) -> Iterator[Place]:
    """Services that select one of the pods, or have one of their addresses among their endpoints."""
    if not pods:
        return
    around: dict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        around[pod.metadata.namespace].append(pod)
    addresses = {address for pod in pods for address in addresses_of(pod)}
    for one in snapshot.objects.values():
        if isinstance(one, Service) and one.spec.selector:
            space = around.get(one.metadata.namespace, ())
            if any(carries(pod.metadata.labels, one.spec.selector) for pod in space):
                yield one.metadata.namespace, one.metadata.name
        elif isinstance(one, EndpointSlice):
            ends = (address for end in one.endpoints or () for address in end.addresses or ())
            if not addresses.isdisjoint(ends):
                yield from _named(one)


def _beside(snapshot: Snapshot, services: list[Service]) -> Iterator[Place]:
    """Services that share an address with one of these, or are aliases of one."""
    if not services:
        return
    addresses = {address for one in services for address in addresses_of(one)}
    names = {f"{one.metadata.name}.{one.metadata.namespace}." for one in services}
    for one in snapshot.services():
        alias = f"{one.spec.external_name or ''}."
        if not addresses.isdisjoint(addresses_of(one)) or any(alias.startswith(name) for name in names):
            yield one.metadata.namespace, one.metadata.name


def addresses_of(one: SeenObject) -> Iterator[str]:
    """Every address that a pod or a Service has or claims."""
    if isinstance(one, Pod):
        if one.status:
            yield from (a for a in (one.status.pod_ip, *(p.ip for p in one.status.pod_ips or ())) if a)
    elif isinstance(one, Service):
        spec, ingress = one.spec, one.status.load_balancer.ingress or ()
        given = (spec.cluster_ip, *(spec.cluster_ips or ()), *(spec.external_ips or ()), *(i.ip for i in ingress))
        yield from (a for a in given if a and a != "None")
