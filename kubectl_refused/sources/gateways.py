"""Read Gateways and their routes from a cluster, which may have none of these kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.entrances import (
    GATEWAY_GROUP,
    Gateway,
    GatewayClass,
    GRPCRoute,
    HTTPRoute,
    ReferenceGrant,
    Route,
    TCPRoute,
    TLSRoute,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.text import one_line
from kubectl_refused.trace.routes import key_of_gateway, parent_key, parents

from .cluster import changes_of
from .decoding import OddObject, decode
from .reads import ListRequest, gap_of, in_parallel, list_objects, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

ROUTES: dict[str, type[Route]] = {"HTTPRoute": HTTPRoute, "GRPCRoute": GRPCRoute, "TLSRoute": TLSRoute,
                                  "TCPRoute": TCPRoute}  # fmt: skip
TYPES: dict[str, type[Any]] = {
    "Gateway": Gateway, "GatewayClass": GatewayClass, "ReferenceGrant": ReferenceGrant, **ROUTES,
}  # fmt: skip
_RESOURCES = {"Gateway": "gateways", "GatewayClass": "gatewayclasses", "ReferenceGrant": "referencegrants"}
MOST_PARENTS, MOST_SPACES, MOST_VERSIONS = 8, 8, 4


class _Version(msgspec.Struct):
    version: str = ""


class _Group(msgspec.Struct):
    versions: tuple[_Version, ...] = ()


class _Resource(msgspec.Struct):
    kind: str = ""
    name: str = ""


class _Resources(msgspec.Struct):
    resources: tuple[_Resource, ...] = ()


class GatewayReads:
    """Reads through one Connection. `now` gives seconds since the epoch."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self._connection, self._now = connection, now
        self._served: Mapping[str, str] | None = None

    def read(self, target: Target) -> list[Change]:
        """A Gateway with the routes that name it, or a route with its Gateways; and what both depend on."""
        if target.kind not in self._kinds():
            why = f"the cluster does not have the kind {target.kind}"
            return [Change(self._now(), gap=Gap(str(target), why, "install the Gateway API's CRDs"))]
        found = self._one(target.kind, target.namespace, target.name)
        for one in [change.value for change in found]:
            if isinstance(one, Gateway):
                found += self._routes_of(one)
            elif isinstance(one, Route):
                found += self._gateways_of(one)
        tasks = [partial(self.every, "GatewayClass", "")]
        tasks += [partial(self.every, "ReferenceGrant", space) for space in _foreign_spaces(found)]
        return [*found, *(change for part in in_parallel(tasks) for change in part)]

    def _routes_of(self, gateway: Gateway) -> list[Change]:
        """Those of any namespace that name it; where not all may be listed those of its own."""
        tasks = [partial(self._routes, kind, gateway) for kind in ROUTES if kind in self._kinds()]
        return [change for part in in_parallel(tasks) for change in part]

    def _routes(self, kind: str, gateway: Gateway) -> list[Change]:
        found = self.every(kind, "")
        if not any(change.covered for change in found):
            found += self.every(kind, gateway.metadata.namespace)
        return [one for one in found if not isinstance(one.value, Route) or _names(one.value, gateway)]

    def _gateways_of(self, route: Route) -> list[Change]:
        keys = list(dict.fromkeys(parent_key(route, ref) for ref in parents(route)))[:MOST_PARENTS]
        tasks = [partial(self._one, "Gateway", space, name) for space, name in keys]
        return [change for part in in_parallel(tasks) for change in part]

    def _one(self, kind: str, namespace: str, name: str) -> list[Change]:
        """An object by its name."""
        path = namespaced(namespace, self._resource(kind), name, group=f"{GATEWAY_GROUP}/{self._kinds()[kind]}")
        coverage = Change(self._now(), covered=Coverage(kind, namespace, f"metadata.name={name}"))
        what = f"{kind.lower()}/{name}"
        try:
            return [Change(self._now(), value=decode(self._connection.get_bytes(path), TYPES[kind])), coverage]
        except NotFound:
            return [coverage]
        except (Forbidden, ApiProblem) as error:
            return [Change(self._now(), gap=gap_of(error, what))]
        except OddObject as error:
            return [Change(self._now(), gap=Gap(what, f"it does not read as one: {one_line(str(error))}"))]

    def every(self, kind: str, namespace: str) -> list[Change]:
        """One bounded page of a kind, of all namespaces for an empty one; nothing where there is no such kind."""
        type_ = TYPES[kind]
        if kind not in self._kinds():
            return []
        group = f"{GATEWAY_GROUP}/{self._kinds()[kind]}"
        resource = self._resource(kind)
        path = namespaced(namespace, resource, group=group) if namespace else f"/apis/{group}/{resource}"
        what = "GatewayClasses" if kind == "GatewayClass" else f"{kind}s"
        request: ListRequest[Any] = ListRequest(what, path, lambda raw: decode(raw, type_), most_pages=1)
        listing = list_objects(self._connection, request)
        return list(changes_of(listing, Coverage(kind, namespace), request, self._now))

    def _resource(self, kind: str) -> str:
        return _RESOURCES.get(kind, f"{kind.lower()}s")

    def _kinds(self) -> Mapping[str, str]:
        """Kind to the version that the cluster prefers of those that serve it; none without the group."""
        if self._served is None:
            self._served = dict(self._asked())
        return self._served

    def _asked(self) -> Iterator[tuple[str, str]]:
        try:
            group = decode(self._connection.get_bytes(f"/apis/{GATEWAY_GROUP}"), _Group)
            versions = [one.version for one in group.versions][:MOST_VERSIONS]
            # The preferred version comes first, and the last word is the first one's.
            for version in reversed(versions):
                path = f"/apis/{GATEWAY_GROUP}/{version}"
                resources = decode(self._connection.get_bytes(path), _Resources).resources
                yield from ((one.kind, version) for one in resources if "/" not in one.name)
        except (Forbidden, NotFound, ApiProblem, OddObject):
            return


def _names(route: Route, gateway: Gateway) -> bool:
    return any(parent_key(route, ref) == key_of_gateway(gateway) for ref in parents(route))


def _foreign_spaces(found: Iterable[Change]) -> Sequence[str]:
    """The namespaces to which routes refer from others."""
    routes = [change.value for change in found if isinstance(change.value, Route)]
    refs = ((route, ref) for route in routes for rule in route.spec.rules or () for ref in rule.backend_refs or ())
    spaces = (ref.namespace for route, ref in refs if ref.namespace not in (None, route.metadata.namespace))
    return [space for space in dict.fromkeys(spaces) if space][:MOST_SPACES]
