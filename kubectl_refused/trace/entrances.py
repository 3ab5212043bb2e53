"""What is known of an entrance, whichever its kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from kubectl_refused.model.entrances import Door, Gateway, Ingress, Route
from kubectl_refused.model.registrations import Registration
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target

from .calls import call_doors, is_called
from .doors import ingress_doors
from .routes import every_door, gateway_doors, route_doors
from .urls import best_doors


def doors_of(target: Target, snapshot: Snapshot) -> Sequence[Door]:
    """The doors asked about: those that take a URL's host and path, or all."""
    if not target.host:
        return all_doors(target, snapshot)
    path = target.path or "/"
    found = best_doors(all_doors(target, snapshot), target.host, path)
    return tuple(replace(door, url=target.host + path) for door in found)


def all_doors(target: Target, snapshot: Snapshot) -> Sequence[Door]:
    """Every door of the target, in its own order; none where it was not read."""
    if is_called(target):
        return tuple(call_doors(target, snapshot))
    found = snapshot.objects.get((target.kind, target.namespace, target.name))
    if isinstance(found, Ingress):
        return tuple(ingress_doors(found))
    if isinstance(found, Gateway):
        return tuple(gateway_doors(found, snapshot))
    if not isinstance(found, Route):
        return ()
    return tuple(every_door(found, snapshot) if target.host else route_doors(found))


def entrance_subject(owner: Ingress | Route | Registration) -> str:
    """`ingress/shop`."""
    return f"{type(owner).__name__.lower()}/{owner.metadata.name}"


def name_field(door: Door) -> str:
    """Where the Service's name stands beneath the backend."""
    return "service.name" if isinstance(door.owner, Ingress) else "name"


def port_field(door: Door) -> str:
    """Where its port stands there."""
    if not isinstance(door.owner, Ingress):
        return "port"
    return "service.port.number" if isinstance(door.port, int) else "service.port.name"
