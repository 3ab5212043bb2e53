"""The ground of hosts and URLs: a cluster where something of it owns every one, and this machine everywhere else.

Who asks about a URL may have a kubeconfig of a cluster that is gone, or of another's: it is asked for a few
seconds, and what goes wrong with it is no answer to the question.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import socket
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.connection.kubeconfig_places import candidate_paths
from kubectl_refused.model.target import Target
from kubectl_refused.trace.addresses import is_loopback

from .kubectl_command import kubectl_command
from .request import Request

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

    from .grounds import Ground

# Until the cluster answers at all, and until it has told what it has.
REACHED_WITHIN, TOLD_WITHIN = 5.0, 20.0
ACCEPTS_WITHIN = 1.0
_SCHEMES = ("http", "https", "ws", "wss")


def ground_of_urls(request: Request) -> Ground:
    """That of the entrances where a cluster has one for each URL; else that of hosts."""
    owners = _owners(request)
    if owners:
        from .grounds import ClusterGround

        return ClusterGround(structs.replace(request, targets=owners))
    from .host_ground import HostGround

    plain = dict.fromkeys(dataclasses.replace(target, path="") for target in request.targets)
    return HostGround(structs.replace(request, targets=tuple(plain)))


def _owners(request: Request) -> tuple[Target, ...]:
    """An object for each target; nothing unless all may be a cluster's, seen from nowhere in particular.

    `tcp://` in front says that a host is meant.
    """
    if request.standpoints or not _has_cluster(request):
        return ()
    if any(target.scheme == "tcp" or _serves_here(target) for target in request.targets):
        return ()
    found: list[Target | None] = []
    reached = threading.Event()
    thread = threading.Thread(target=_look, args=(request, found, reached), daemon=True)
    thread.start()
    if reached.wait(REACHED_WITHIN):
        thread.join(TOLD_WITHIN)
    owners: Sequence[Target | None] = () if thread.is_alive() else tuple(found)
    return tuple(dict.fromkeys(one for one in owners if one)) if all(owners) else ()


def _has_cluster(request: Request) -> bool:
    """Whether anything names a cluster: without, nothing that could ask one is loaded."""
    if request.connection.server or os.environ.get("KUBERNETES_SERVICE_HOST"):
        return True
    try:
        return any(map(os.path.isfile, candidate_paths(request.connection.kubeconfig, os.environ)))
    except ConnectionProblem:
        return False


def _look(request: Request, found: list[Target | None], reached: threading.Event) -> None:
    """Leaves the owners in `found`; sets `reached` once the cluster has answered, or there is none."""
    from kubectl_refused.connection.client import connect

    try:
        connection = connect(request.connection)
        connection.server_version()
        reached.set()
        kubectl = kubectl_command(request.connection)
        for target in request.targets:
            found.append(_owner(dataclasses.replace(target, kubectl=kubectl), connection))
    except ConnectionProblem:
        found.append(None)
    finally:
        reached.set()


def _owner(target: Target, connection: Connection) -> Target | None:
    """The entrance that owns host and path, else what has the address."""
    from kubectl_refused.sources.owners import owner_at
    from kubectl_refused.sources.urls import owner_of

    by_name = _may_be_routed(target)
    found = (owner_of(target, connection) if by_name else None) or owner_at(target, connection)
    if found is None and by_name and not _resolves(target.name):  # what DNS knows is no slip of the pen
        return owner_of(target, connection, near=True)
    return found


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, None))
    except (OSError, UnicodeError):
        return False


def _serves_here(target: Target) -> bool:
    """Whether this machine itself accepts there: then no cluster is meant."""
    if not is_loopback(target.name):
        return False
    try:
        with socket.create_connection((target.name or "localhost", int(target.port or 0)), ACCEPTS_WITHIN):
            return True
    except OSError:
        return False


def _may_be_routed(target: Target) -> bool:
    """Whether a host and path name it: not an address, nor this machine."""
    if target.scheme not in _SCHEMES or "." not in target.name:
        return False
    try:
        ipaddress.ip_address(target.name)
    except ValueError:
        return True
    return False
