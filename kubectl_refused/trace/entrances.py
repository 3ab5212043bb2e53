"""What is known of an entrance, whichever its kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from kubectl_refused.model.entrances import Door, Gateway, Ingress, Owner, Route
from kubectl_refused.model.objects import Service
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import ADDRESSED, Target

from .calls import call_doors, is_called
from .doors import ingress_doors
from .entries import entry_doors
from .openshift import openshift_doors
from .routes import every_door, gateway_doors, route_doors
from .urls import best_doors


def doors_of(target: Target, snapshot: Snapshot) -> Sequence[Door]:
    """The doors asked about: those that take a URL's host and path, those that lead to one Service, or all."""
    if target.leads_to:
        return tuple(one for one in all_doors(target, snapshot) if leads_to(one, target.leads_to))
    if not target.host or target.kind in ADDRESSED:
        return all_doors(target, snapshot)
    path = target.path or "/"
    found = best_doors(all_doors(target, snapshot), target.host, path)
    return tuple(replace(door, url=target.host + path) for door in found)


def all_doors(target: Target, snapshot: Snapshot) -> Sequence[Door]:
    """Every door of the target, in its own order; none where it was not read."""
    if is_called(target):
        return tuple(call_doors(target, snapshot))
    if target.kind in ADDRESSED:
        return tuple(entry_doors(target, snapshot))
    found = snapshot.objects.get((target.kind, target.namespace, target.name))
    if isinstance(found, Ingress):
        return tuple(ingress_doors(found))
    if isinstance(found, Gateway):
        return tuple(gateway_doors(found, snapshot))
    if isinstance(found, OpenShiftRoute):
        return tuple(openshift_doors(found))
    if not isinstance(found, Route):
        return ()
    return tuple(every_door(found, snapshot) if target.host else route_doors(found))


def leads_to(door: Door, service: str) -> bool:
    """Whether the door's backend is the Service of `shop/web`."""
    return door.kind == "Service" and f"{door.namespace}/{door.service}" == service


def entrance_subject(owner: Owner) -> str:
    """`ingress/shop`; a Service stands there for its load balancer."""
    if isinstance(owner, Service):
        return f"lb/{owner.metadata.name}"
    if isinstance(owner, OpenShiftRoute):
        return f"route/{owner.metadata.name}"
    return f"{type(owner).__name__.lower()}/{owner.metadata.name}"


def name_field(door: Door) -> str:
    """Where the Service's name stands beneath the backend."""
    return "service.name" if isinstance(door.owner, Ingress) else "name"


def port_field(door: Door) -> str:
    """Where its port stands there."""
    if not isinstance(door.owner, Ingress):
        return "port"
    return "service.port.number" if isinstance(door.port, int) else "service.port.name"
