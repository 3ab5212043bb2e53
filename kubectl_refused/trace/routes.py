"""The doors of a route of the Gateway API, and of a Gateway: those of every route that names it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.model.entrances import GATEWAY_GROUP, Door, Gateway, Reference, Route, RouteMatch, RouteRule
from kubectl_refused.model.snapshot import Snapshot

DEFAULT_PATH = "/"
PATTERN = "RegularExpression"
MOST_EACH = 64


def route_doors(route: Route) -> Iterator[Door]:
    """Each backend of each rule that gets requests: not one of weight 0, nor one that is sent copies."""
    yield from (door for door, _ in _with_rules(route))


def _with_rules(route: Route) -> Iterator[tuple[Door, RouteRule]]:
    for at, rule in enumerate(route.spec.rules or ()):
        for place, ref in enumerate(rule.backend_refs or ()):
            if ref.weight != 0:
                yield _door(route, rule, f"spec.rules[{at}].backendRefs[{place}]", ref), rule


def every_door(route: Route, snapshot: Snapshot) -> Iterator[Door]:
    """The same for each host name and match by itself; without host names those of its parents' listeners."""
    hosts = (route.spec.hostnames or tuple(_listened(route, snapshot)) or ("",))[:MOST_EACH]
    for door, rule in _with_rules(route):
        for match in (rule.matches or (RouteMatch(),))[:MOST_EACH]:
            shown = replace(
                door, path=_path(match), exact=_sort(match) == "Exact", pattern=_sort(match) == PATTERN
            )
            yield from (replace(shown, host=host) for host in hosts)


def _listened(route: Route, snapshot: Snapshot) -> Iterator[str]:
    gateways = (gateway_of(route, ref, snapshot) for ref in parents(route))
    listeners = (one for gateway in gateways if gateway for one in gateway.spec.listeners or ())
    yield from (one.hostname for one in listeners if one.hostname)


def gateway_doors(gateway: Gateway, snapshot: Snapshot) -> Iterator[Door]:
    """Those of every route that was read and names the Gateway as a parent."""
    for route in routes(snapshot):
        if any(parent_key(route, ref) == key_of_gateway(gateway) for ref in parents(route)):
            yield from route_doors(route)


def routes(snapshot: Snapshot) -> tuple[Route, ...]:
    """Every route that was read."""
    return tuple(o for o in snapshot.objects.values() if isinstance(o, Route))


def parents(route: Route) -> tuple[Reference, ...]:
    """The parents that are Gateways; a mesh has Services there (GAMMA), which are none."""
    refs = route.spec.parent_refs or ()
    return tuple(
        r for r in refs if (r.kind or "Gateway") == "Gateway" and (r.group or GATEWAY_GROUP) == GATEWAY_GROUP
    )


def parent_key(route: Route, ref: Reference) -> tuple[str, str]:
    """(namespace, name) of a parent."""
    return ref.namespace or route.metadata.namespace, ref.name


def key_of_gateway(gateway: Gateway) -> tuple[str, str]:
    """The same of a Gateway."""
    return gateway.metadata.namespace, gateway.metadata.name


def gateway_of(route: Route, ref: Reference, snapshot: Snapshot) -> Gateway | None:
    """The parent, None where it was not read."""
    found = snapshot.objects.get(("Gateway", *parent_key(route, ref)))
    return found if isinstance(found, Gateway) else None


def _door(route: Route, rule: RouteRule, field: str, ref: Reference) -> Door:
    match = next(iter(rule.matches or ()), RouteMatch())
    core = (ref.kind or "Service") == "Service" and not ref.group
    return Door(
        owner=route,
        field=field,
        host=next(iter(route.spec.hostnames or ()), ""),
        path=_path(match),
        namespace=ref.namespace or route.metadata.namespace,
        service=ref.name,
        port=ref.port,
        exact=_sort(match) == "Exact",
        pattern=_sort(match) == PATTERN,
        weight=1 if ref.weight is None else ref.weight,
        kind="Service" if core else ref.kind or "an object",
    )


def _sort(match: RouteMatch) -> str:
    return (match.path.type if match.path else None) or ""


def _path(match: RouteMatch) -> str:
    """The path; of gRPC its service and method, as they stand in one."""
    if match.path and match.path.value:
        return match.path.value
    if match.method and not isinstance(match.method, str):
        return f"/{match.method.service or '*'}/{match.method.method or '*'}"
    return DEFAULT_PATH
