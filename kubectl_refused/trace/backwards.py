"""From a Service back to what leads to it: Ingresses, routes, its addresses, calls of the API server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kubectl_refused.model.entrances import Door, Ingress, Route
from kubectl_refused.model.objects import Node, Pod, Service
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.registrations import APIService
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target, TargetKind

from .calls import call_doors, configurations
from .doors import ingress_doors
from .entrances import leads_to
from .entries import host_ports, sound
from .labels import carries
from .openshift import openshift_doors
from .routes import route_doors

MOST_NODES = 2  # of one nodePort: each is served by rules of its own
MOST_ENTRANCES = 40
_ROUTES: tuple[TargetKind, ...] = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")


def entrances_to(target: Target, snapshot: Snapshot) -> list[Target]:
    """What leads to the Service, outermost first; each asked about for this Service's sake only."""
    service = snapshot.service(target.namespace, target.name)
    if service is None:
        return []
    found = (*_routed(target, snapshot), *_addressed(target, service, snapshot), *_called(target, snapshot))
    return list(dict.fromkeys(found))


def _plain(target: Target, kind: TargetKind, name: str, namespace: str = "", port: str | None = None) -> Target:
    of = f"{target.namespace}/{target.name}"
    return replace(target, kind=kind, name=name, namespace=namespace or target.namespace, port=port, leads_to=of)


def _routed(target: Target, snapshot: Snapshot) -> Iterator[Target]:
    for value in snapshot.objects.values():
        if isinstance(value, Ingress) and _leads(target, ingress_doors(value)):
            yield _plain(target, "Ingress", value.metadata.name, value.metadata.namespace)
        elif isinstance(value, OpenShiftRoute) and _leads(target, openshift_doors(value)):
            yield _plain(target, "OpenShiftRoute", value.metadata.name, value.metadata.namespace)
        elif isinstance(value, Route) and _leads(target, route_doors(value)):
            kind = next(kind for kind in _ROUTES if kind == type(value).__name__)
            yield _plain(target, kind, value.metadata.name, value.metadata.namespace)


def _leads(target: Target, doors: Iterable[Door]) -> bool:
    return any(leads_to(door, f"{target.namespace}/{target.name}") for door in doors)


def _addressed(target: Target, service: Service, snapshot: Snapshot) -> Iterator[Target]:
    """Its load balancer, its nodePorts at a few nodes that are ready, and hostPorts of its pods."""
    if service.spec.type == "LoadBalancer":
        yield _plain(target, "LoadBalancer", target.name)
    nodes = [one for one in snapshot.objects.values() if isinstance(one, Node) and sound(one)]
    for port in service.spec.ports or ():
        asked = target.port in (None, str(port.port), port.name)
        for node in nodes[:MOST_NODES] if asked and port.node_port and port.protocol == "TCP" else ():
            yield _plain(target, "Node", node.metadata.name, port=str(port.node_port))
    for pod in (one for one in snapshot.objects.values() if isinstance(one, Pod)):
        mine = service.spec.selector and carries(pod.metadata.labels, service.spec.selector)
        for number, _ in host_ports(pod) if mine and pod.spec.node_name else ():
            yield replace(_plain(target, "Node", pod.spec.node_name or "", port=str(number)), leads_to="")


def _called(target: Target, snapshot: Snapshot) -> Iterator[Target]:
    for owner in configurations(snapshot):
        for webhook in owner.webhooks or ():
            asked = _plain(target, "Webhook", webhook.name)
            if _leads(target, call_doors(asked, snapshot)):
                yield asked
    for value in snapshot.objects.values():
        if isinstance(value, APIService):
            asked = _plain(target, "APIService", value.metadata.name)
            if _leads(target, call_doors(asked, snapshot)):
                yield asked
