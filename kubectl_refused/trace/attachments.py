"""Whether a Gateway takes a route: section, port, kind, namespace and host name, compared by ourselves. Pure.

https://gateway-api.sigs.k8s.io/concepts/api-overview/#attaching-routes-to-gateways
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubectl_refused.model.entrances import GATEWAY_GROUP, Gateway, Listener, Reference, Route
from kubectl_refused.model.objects import Labels
from kubectl_refused.model.snapshot import Snapshot

from .labels import selects
from .nearest import nearest
from .routes import gateway_of, parent_key, parents

# What each protocol of a listener takes, where the listener does not say.
_TAKES = {
    "HTTP": ("HTTPRoute", "GRPCRoute"),
    "HTTPS": ("HTTPRoute", "GRPCRoute"),
    "TLS": ("TLSRoute", "TCPRoute"),
    "TCP": ("TCPRoute",),
}
SAME, ALL, SELECTOR = "Same", "All", "Selector"


class Refused(Struct, frozen=True):
    """Why one parent does not take the route: where that stands (in it, or in the Gateway), and both values.

    `meant` is what was probably meant there, empty where nobody knows; `change` is what to set to it.
    """

    says: str
    field: str
    value: object
    gateway: Gateway | None = None
    on_gateway: bool = False
    meant: str = ""
    change: str = ""


def refusals(route: Route, snapshot: Snapshot, labels: Labels | None) -> tuple[Refused, ...]:
    """Why no parent takes the route, one reason each; nothing where one does, or where none was read.

    `labels` are those of the route's namespace, None where nobody could read them.
    """
    found: list[Refused] = []
    for at, ref in enumerate(parents(route)):
        why = _refusal(route, ref, f"spec.parentRefs[{at}]", snapshot, labels)
        if why is None:
            return ()
        found.append(why)
    return tuple(found)


def _refusal(
    route: Route, ref: Reference, field: str, snapshot: Snapshot, labels: Labels | None
) -> Refused | None:
    gateway = gateway_of(route, ref, snapshot)
    space, name = parent_key(route, ref)
    if gateway is None:
        if not _was_looked_for(space, name, snapshot):
            return None
        near = nearest(name, (n for k, s, n in snapshot.objects if k == "Gateway" and s == space)) or ""
        says = f"{field}.name is {name}, and namespace {space} has no Gateway of that name"
        return Refused(says, f"{field}.name", name, meant=near, change=f"{field}.name")
    listeners = gateway.spec.listeners or ()
    named = [one for one in listeners if ref.section_name in (None, one.name)]
    if not named:
        return _no_section(gateway, ref, field, listeners)
    at_port = [one for one in named if ref.port in (None, one.port)]
    if not at_port:
        ports = ", ".join(str(one.port) for one in named)
        says = f"{field}.port is {ref.port}, and gateway/{name} listens on {ports}"
        meant = str(named[0].port) if len(named) == 1 else ""
        return Refused(says, f"{field}.port", ref.port, gateway, meant=meant, change=f"{field}.port")
    return _by_listeners(route, gateway, at_port, labels)


def _was_looked_for(space: str, name: str, snapshot: Snapshot) -> bool:
    wanted = ("", f"metadata.name={name}")
    return any(
        c.kind == "Gateway" and c.namespace in ("", space) and c.selector in wanted for c in snapshot.coverage
    )


def _no_section(gateway: Gateway, ref: Reference, field: str, listeners: Sequence[Listener]) -> Refused:
    names = [one.name for one in listeners]
    wanted = ref.section_name or ""
    near = nearest(wanted, names) or (names[0] if len(names) == 1 else "")
    says = f"{field}.sectionName is {wanted}, and gateway/{gateway.metadata.name} has {', '.join(names) or 'none'}"
    path = f"{field}.sectionName"
    return Refused(says, path, wanted, gateway, meant=near, change=path)


def _by_listeners(
    route: Route, gateway: Gateway, listeners: Sequence[Listener], labels: Labels | None
) -> Refused | None:
    """The reason of the listener that comes nearest to taking it; None where one takes it, or nobody can tell."""
    kinds = [one for one in listeners if type(route).__name__ in _kinds(one)]
    if not kinds:
        return _wrong_kind(route, gateway, listeners[0])
    spaces = [one for one in kinds if _takes_namespace(route, gateway, one, labels) is not False]
    if not spaces:
        return _wrong_namespace(route, gateway, kinds[0])
    if any(meet(one.hostname, route.spec.hostnames) for one in spaces):
        return None
    first = spaces[0]
    hosts = route.spec.hostnames or ()
    says = f"spec.hostnames has {', '.join(hosts)}, and listener {first.name} of gateway/{gateway.metadata.name} "
    near = nearest(first.hostname or "", hosts)
    says += f"is for {first.hostname}"
    wild = (first.hostname or "").startswith("*")
    at = hosts.index(near) if near else 0
    return Refused(
        says,
        "spec.hostnames",
        list(hosts),
        gateway,
        meant="" if wild or not near else first.hostname or "",
        change=f"spec.hostnames[{at}]",
    )


def _kinds(listener: Listener) -> tuple[str, ...]:
    """The kinds of routes that a listener takes."""
    given = (listener.allowed_routes.kinds if listener.allowed_routes else None) or ()
    ours = tuple(one.kind for one in given if (one.group or GATEWAY_GROUP) == GATEWAY_GROUP)
    known = _TAKES.get(listener.protocol, ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"))
    return ours if given else known


def _wrong_kind(route: Route, gateway: Gateway, listener: Listener) -> Refused:
    takes = ", ".join(_kinds(listener)) or "nothing"
    where = f"listener {listener.name} of gateway/{gateway.metadata.name}"
    says = f"{where} has protocol {listener.protocol} and takes {takes}, no {type(route).__name__}"
    return Refused(says, "spec.listeners", listener.protocol, gateway, on_gateway=True)


def _takes_namespace(route: Route, gateway: Gateway, listener: Listener, labels: Labels | None) -> bool | None:
    """Whether routes of that namespace are taken; None where its labels are not known."""
    spaces = listener.allowed_routes.namespaces if listener.allowed_routes else None
    asked = (spaces.from_ if spaces else None) or SAME
    if asked == ALL:
        return True
    if asked == SELECTOR and spaces and spaces.selector:
        return None if labels is None else selects(spaces.selector, labels)
    return asked == SAME and route.metadata.namespace == gateway.metadata.namespace


def _wrong_namespace(route: Route, gateway: Gateway, listener: Listener) -> Refused:
    spaces = listener.allowed_routes.namespaces if listener.allowed_routes else None
    asked = (spaces.from_ if spaces else None) or SAME
    where = f"listener {listener.name} of gateway/{gateway.metadata.name}"
    only = f"of namespace {gateway.metadata.namespace}" if asked == SAME else "of namespaces with certain labels"
    says = f"{where} takes routes {only} only (from: {asked}), and this one is in {route.metadata.namespace}"
    return Refused(says, "spec.listeners", asked, gateway, on_gateway=True)


def meet(listener: str | None, hostnames: Sequence[str] | None) -> bool:
    """Whether a listener's host name and those of a route have one in common; without any it is every one."""
    return not listener or not hostnames or any(_overlap(listener.lower(), one.lower()) for one in hostnames)


def _overlap(one: str, other: str) -> bool:
    if one.startswith("*.") and other.startswith("*."):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    return covers(one, other) or covers(other, one)


def covers(pattern: str, host: str) -> bool:
    """Whether a host name of the Gateway API is the host, or a wildcard of one or more labels in front of it."""
    return pattern == host or (pattern.startswith("*.") and host.endswith(pattern[1:]) and host != pattern[1:])
