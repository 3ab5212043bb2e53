"""From a Snapshot to Scenes: one for each Service port and address family. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.objects import EndpointSlice, Pod, Service, ServicePort
from kubectl_refused.model.scene import Endpoint, Family, Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target, Vantage

from .aliases import alias_ports, outside
from .containers import resolve_target_port
from .labels import carries
from .walks import walk_of


def scenes(target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage) -> tuple[Scene, ...]:
    """Every scene of a target: one without a Service where there is none, one without a port where
    the port asked for does not exist, those of an alias (ExternalName), and otherwise one for each chosen port
    and family. Targets that are no Services have scenes of their own (walks.py)."""
    if not target.is_service:
        return walk_of(target).scenes(target, snapshot, facts, vantage)
    service = snapshot.service(target.namespace, target.name)
    bare = Scene(target, vantage, snapshot, facts)
    if service is None:
        return (bare,)
    pods = selected_pods(service, snapshot)
    ports = chosen_ports(target, service)
    if service.spec.type == "ExternalName":
        return _of_alias(Scene(target, vantage, snapshot, facts, service, pods=pods))
    if not ports and target.port and not named_ports(target, service):
        return (Scene(target, vantage, snapshot, facts, service, pods=pods),)
    return tuple(
        _scene(bare, service, port, family, address, pods)
        for port in ports
        for family, address in entrances(service)
    )


def with_siblings(seen: Sequence[Scene]) -> tuple[Scene, ...]:
    """Every scene with those of the same port and family from other vantages."""
    together: dict[tuple[object, ...], list[Scene]] = {}
    for scene in seen:
        together.setdefault(_route(scene), []).append(scene)
    return tuple(
        replace(scene, siblings=tuple(s for s in together[_route(scene)] if s is not scene))
        if len(together[_route(scene)]) > 1
        else scene
        for scene in seen
    )


def _route(scene: Scene) -> tuple[object, ...]:
    door = (scene.door.owner.metadata.name, scene.door.field) if scene.door else ()
    return scene.number, scene.family, door


def _of_alias(bare: Scene) -> tuple[Scene, ...]:
    """One scene for each port to dial at a host outside; one without a port where there is none to dial."""
    assert bare.service is not None
    host = outside(bare.service.spec.external_name or "")
    ports = alias_ports(bare.target, bare.service) if host and not bare.from_files else ()
    return tuple(replace(bare, entrance=host, alias_port=port) for port in ports) or (bare,)


def chosen_ports(target: Target, service: Service) -> tuple[ServicePort, ...]:
    """The port asked for by number or name, or every TCP port; UDP ones where there are no others of that sort."""
    asked = named_ports(target, service) if target.port else service.spec.ports or ()
    found = tuple(p for p in asked if p.protocol == "TCP") or tuple(p for p in asked if p.protocol == "UDP")
    return found[:1] if target.port else found


def named_ports(target: Target, service: Service) -> tuple[ServicePort, ...]:
    """Ports of any protocol that the target's words name."""
    return tuple(p for p in service.spec.ports or () if target.port in (str(p.port), p.name))


def entrances(service: Service) -> Iterator[tuple[Family, str]]:
    """(family, ClusterIP) pairs; the address is empty for headless Services and in files."""
    addresses = [a for a in service.spec.cluster_ips or (service.spec.cluster_ip or "",) if a and a != "None"]
    if addresses:
        yield from (("IPv6" if ":" in a else "IPv4", a) for a in addresses)
        return
    for family in service.spec.ip_families or ("IPv4",):
        yield "IPv6" if family == "IPv6" else "IPv4", ""


def selected_pods(service: Service, snapshot: Snapshot) -> tuple[Pod, ...]:
    """Pods of the Service's namespace that carry its selector; none without a selector."""
    selector = service.spec.selector
    if not selector:
        return ()
    near = snapshot.pods_like(service.metadata.namespace, selector)
    return tuple(p for p in near if carries(p.metadata.labels, selector))


def _scene(
    bare: Scene, service: Service, port: ServicePort, family: Family, address: str, pods: tuple[Pod, ...]
) -> Scene:
    slices = tuple(s for s in bare.snapshot.slices_of(service) if s.address_type == family)
    headless = service.spec.cluster_ip == "None"
    endpoints = tuple(_endpoints(slices, port, bare.snapshot, service.metadata.namespace, headless))
    if bare.from_files and not endpoints:
        endpoints = tuple(promised_endpoints(pods, port))
    return Scene(
        bare.target,
        bare.vantage,
        bare.snapshot,
        bare.facts,
        service,
        port,
        family,
        address,
        slices,
        endpoints,
        pods,
    )


def _endpoints(
    slices: tuple[EndpointSlice, ...], port: ServicePort, snapshot: Snapshot, namespace: str, headless: bool
) -> Iterator[Endpoint]:
    for part in slices:
        number = slice_port(part, port)
        if headless and number is not None:
            # DNS hands out the pods' own addresses and nothing translates the port (kubernetes issue 20488).
            number = port.port
        for entry in part.endpoints or ():
            name = entry.target_ref.name if entry.target_ref and entry.target_ref.kind == "Pod" else ""
            for address in (entry.addresses or ())[:1]:  # consumers use the first (discovery/v1 types.go)
                yield Endpoint(
                    address,
                    number,
                    ready=entry.conditions.ready is not False,
                    serving=entry.conditions.serving is not False,
                    terminating=bool(entry.conditions.terminating),
                    node=entry.node_name or "",
                    slice_name=part.metadata.name,
                    target_name=name,
                    target_uid=entry.target_ref.uid if name and entry.target_ref else "",
                    pod=snapshot.pod(namespace, name),
                )


def slice_port(part: EndpointSlice, port: ServicePort) -> int | None:
    """The number this slice gives for the Service port; None where it lists none (an unresolved name)."""
    for offered in part.ports or ():
        if (offered.name or "") == port.name and (offered.protocol or "TCP") == port.protocol:
            return offered.port
    return None


def promised_endpoints(pods: tuple[Pod, ...], port: ServicePort) -> Iterator[Endpoint]:
    """Endpoints that manifests promise: no address, the port each pod's spec resolves to."""
    for pod in pods:
        yield Endpoint("", resolve_target_port(pod, port), target_name=pod.metadata.name, pod=pod)
