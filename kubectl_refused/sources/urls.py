"""Which entrance of a cluster owns a URL: one page of Ingresses and of routes, whatever may be read of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kubectl_refused.model.entrances import Door, Gateway, Ingress, Route
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import ENTRANCES, Target
from kubectl_refused.trace.doors import ingress_doors
from kubectl_refused.trace.openshift import openshift_doors
from kubectl_refused.trace.routes import every_door
from kubectl_refused.trace.urls import best_doors, host_rank, nearest_host, owned

from .entrances import NETWORKING, listed
from .gateways import ROUTES, GatewayReads
from .openshift import every_route

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection


def owner_of(target: Target, connection: Connection, *, near: bool = False) -> Target | None:
    """The entrance that names the URL's host, asked about that host and path; None where none does.

    With `near` one that names a host which is nearly the same may stand in. Raises what the connection raises.
    """
    return owner_in(target, _read(connection), near=near)


def owner_in(target: Target, snapshot: Snapshot, *, near: bool = False) -> Target | None:
    """The same, of what was read: who takes the path before who only names the host."""
    doors = tuple(_doors(snapshot))
    meant = nearest_host(doors, target.name) if near and not owned(doors, target.name) else None
    if meant:
        return _asked(next(one for one in doors if one.host == meant), target)
    mine = owned(doors, target.name)
    found = best_doors(mine, target.name, target.path or "/")
    best = max(mine, key=lambda door: host_rank(door, target.name), default=None)
    door = next(iter(found), best)
    return _asked(door, target) if door else None


def _asked(door: Door, target: Target) -> Target:
    """The door's entrance, asked about the URL's host and path."""
    meta, name = door.owner.metadata, type(door.owner).__name__
    kind = next(kind for kind in ENTRANCES if kind == name)
    return Target(meta.name, meta.namespace, None, kind, target.kubectl, host=target.name, path=target.path or "/")


def _doors(snapshot: Snapshot) -> Iterator[Door]:
    for value in snapshot.objects.values():
        if isinstance(value, Ingress):
            yield from ingress_doors(value)
        elif isinstance(value, OpenShiftRoute):
            yield from openshift_doors(value)
        elif isinstance(value, Route):
            yield from every_door(value, snapshot)


def _read(connection: Connection) -> Snapshot:
    """All namespaces, or the context's own where not all may be read."""
    gateways = GatewayReads(connection, time.time)
    changes = listed(connection, "Ingresses", f"/apis/{NETWORKING}/ingresses", Ingress)
    if not any(change.covered for change in changes):
        space = connection.namespace
        changes = listed(connection, "Ingresses", f"/apis/{NETWORKING}/namespaces/{space}/ingresses", Ingress)
    changes += every_route(connection, "")
    for kind in _kinds():
        found = gateways.every(kind, "")
        changes += found if any(change.covered for change in found) else gateways.every(kind, connection.namespace)
    return fold(changes)


def _kinds() -> Iterable[str]:
    kinds: Sequence[str] = ("HTTPRoute", "GRPCRoute")
    return (Gateway.__name__, *(kind for kind in kinds if kind in ROUTES))
