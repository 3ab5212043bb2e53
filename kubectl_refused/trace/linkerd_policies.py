"""What Linkerd's own policies and annotations mean for one port of a pod. Pure.

https://linkerd.io/2/reference/authorization-policy/ and https://linkerd.io/2/features/protocol-detection/
"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.mesh import LinkerdAuthorization, MeshObjects, Server, ServerAuthorization
from kubectl_refused.model.objects import Labels, Metadata, Pod

from .containers import containers
from .labels import selects

OPAQUE = "config.linkerd.io/opaque-ports"
# What a proxy takes as opaque where no annotation says otherwise (the chart's proxy.opaquePorts).
DEFAULT_OPAQUE = "25,587,3306,4444,5432,6379,9300,11211"


def server_of(told: MeshObjects, pod: Pod, port: int) -> Server | None:
    """The Server that describes a port of the pod; Linkerd lets at most one do that."""
    for one in told.servers:
        selector = one.spec.pod_selector
        here = one.metadata.namespace == pod.metadata.namespace and selector is not None
        if here and selector is not None and selects(selector, pod.metadata.labels) and _has_port(one, pod, port):
            return one
    return None


def _has_port(server: Server, pod: Pod, port: int) -> bool:
    wanted = str(server.spec.port)
    if wanted.isdecimal():
        return int(wanted) == port
    named = (p for c in containers(pod) for p in c.ports or () if p.name == wanted)
    return any(p.container_port == port for p in named)


def admits_everybody(server: Server) -> bool:
    """Whether the Server itself lets in who has no authorization (accessPolicy)."""
    return (server.spec.access_policy or "deny") != "deny"


def authorizations(told: MeshObjects, server: Server) -> Sequence[ServerAuthorization | LinkerdAuthorization]:
    """Whatever lets somebody reach the Server: by its name, by its labels, or for all of its namespace."""
    old = [one for one in told.server_authorizations if _is_for(one, server)]
    new = [one for one in told.linkerd_authorizations if _aims_at(one, server)]
    return [*old, *new]


def _is_for(one: ServerAuthorization, server: Server) -> bool:
    if one.metadata.namespace != server.metadata.namespace:
        return False
    chosen = one.spec.server
    if chosen.name:
        return chosen.name == server.metadata.name
    return chosen.selector is not None and selects(chosen.selector, server.metadata.labels)


def _aims_at(one: LinkerdAuthorization, server: Server) -> bool:
    if one.metadata.namespace != server.metadata.namespace:
        return False
    aim = one.spec.target_ref
    if aim.kind == "Namespace":
        return aim.name == server.metadata.namespace
    # One for a route of the Server lets in what comes by that route.
    return aim.kind in ("HTTPRoute", "GRPCRoute") or (aim.kind, aim.name) == ("Server", server.metadata.name)


def opaque(metadata: Metadata, default: str = "") -> str:
    """The annotation as it stands there; `default` where there is none."""
    annotations: Labels = metadata.annotations or {}
    return annotations.get(OPAQUE, default)


def lists(ports: str, port: int) -> bool:
    """Whether `25,4444,6000-6100` has the port."""
    for part in ports.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal() and int(first) <= port <= int(last or first):
            return True
    return False
