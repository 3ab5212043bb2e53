"""What leads into a cluster by host and path: Ingresses, and Gateways with their routes, as slim frozen Structs.

Field names and meanings are those of networking.k8s.io/v1 and of the Gateway API (gateway.networking.k8s.io).
"""

from __future__ import annotations

import msgspec

from .objects import Condition, LabelSelector, LoadBalancerStatus, Metadata, Node, Service, Struct
from .openshift import OpenShiftRoute
from .registrations import Registration

GATEWAY_GROUP = "gateway.networking.k8s.io"


class BackendPort(Struct, frozen=True):
    """A Service's port by number or by name; the API server lets only one of them be set."""

    number: int | None = None
    name: str | None = None


class ServiceBackend(Struct, frozen=True):
    name: str = ""
    port: BackendPort = BackendPort()


class ResourceBackend(Struct, frozen=True):
    """An object of another kind that serves, such as a bucket."""

    kind: str = ""
    name: str = ""
    api_group: str | None = None


class IngressBackend(Struct, frozen=True):
    service: ServiceBackend | None = None
    resource: ResourceBackend | None = None


class IngressPath(Struct, frozen=True):
    backend: IngressBackend = IngressBackend()
    path: str | None = None
    path_type: str | None = None


class IngressPaths(Struct, frozen=True):
    paths: tuple[IngressPath, ...] | None = None


class IngressHost(Struct, frozen=True):
    """One entry of spec.rules; without a host it is for every one."""

    host: str | None = None
    http: IngressPaths | None = None


class IngressTLS(Struct, frozen=True):
    hosts: tuple[str, ...] | None = None
    secret_name: str | None = None


class IngressSpec(Struct, frozen=True):
    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    tls: tuple[IngressTLS, ...] | None = None
    rules: tuple[IngressHost, ...] | None = None


class IngressStatus(Struct, frozen=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Ingress(Struct, frozen=True):
    metadata: Metadata
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()


class IngressClassSpec(Struct, frozen=True):
    controller: str = ""


class IngressClass(Struct, frozen=True):
    metadata: Metadata
    spec: IngressClassSpec = IngressClassSpec()


class RouteNamespaces(Struct, frozen=True):
    """Whose routes a listener takes: of its own namespace unless it says All or Selector."""

    from_: str | None = msgspec.field(default=None, name="from")
    selector: LabelSelector | None = None


class RouteKind(Struct, frozen=True):
    kind: str = ""
    group: str | None = None


class AllowedRoutes(Struct, frozen=True):
    namespaces: RouteNamespaces | None = None
    kinds: tuple[RouteKind, ...] | None = None


class Reference(Struct, frozen=True):
    """Another object: a parent, a backend or a Secret. What is not said follows from where it stands."""

    name: str = ""
    kind: str | None = None
    group: str | None = None
    namespace: str | None = None
    section_name: str | None = None
    port: int | None = None
    weight: int | None = None


class ListenerTLS(Struct, frozen=True):
    mode: str | None = None
    certificate_refs: tuple[Reference, ...] | None = None


class Listener(Struct, frozen=True):
    name: str = ""
    port: int = 0
    protocol: str = ""
    hostname: str | None = None
    tls: ListenerTLS | None = None
    allowed_routes: AllowedRoutes | None = None


class GatewaySpec(Struct, frozen=True):
    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] | None = None


class ListenerStatus(Struct, frozen=True):
    name: str = ""
    attached_routes: int | None = None
    conditions: tuple[Condition, ...] | None = None


class GatewayAddress(Struct, frozen=True):
    value: str = ""
    type: str | None = None


class GatewayStatus(Struct, frozen=True):
    addresses: tuple[GatewayAddress, ...] | None = None
    conditions: tuple[Condition, ...] | None = None
    listeners: tuple[ListenerStatus, ...] | None = None


class Gateway(Struct, frozen=True):
    metadata: Metadata
    spec: GatewaySpec = GatewaySpec()
    status: GatewayStatus = GatewayStatus()


class GatewayClassSpec(Struct, frozen=True):
    controller_name: str = ""


class GatewayClassStatus(Struct, frozen=True):
    conditions: tuple[Condition, ...] | None = None


class GatewayClass(Struct, frozen=True):
    metadata: Metadata
    spec: GatewayClassSpec = GatewayClassSpec()
    status: GatewayClassStatus = GatewayClassStatus()


class PathMatch(Struct, frozen=True):
    type: str | None = None
    value: str | None = None


class MethodMatch(Struct, frozen=True):
    """Of a GRPCRoute: what stands in a path as /SERVICE/METHOD."""

    service: str | None = None
    method: str | None = None


class RouteMatch(Struct, frozen=True):
    """`path` is an HTTPRoute's; a GRPCRoute's `method` is an object, an HTTPRoute's the request's word."""

    path: PathMatch | None = None
    method: MethodMatch | str | None = None


class RequestMirror(Struct, frozen=True):
    backend_ref: Reference = Reference()


class RouteFilter(Struct, frozen=True):
    type: str = ""
    request_mirror: RequestMirror | None = None


class RouteRule(Struct, frozen=True):
    name: str | None = None
    matches: tuple[RouteMatch, ...] | None = None
    filters: tuple[RouteFilter, ...] | None = None
    backend_refs: tuple[Reference, ...] | None = None


class RouteSpec(Struct, frozen=True):
    parent_refs: tuple[Reference, ...] | None = None
    hostnames: tuple[str, ...] | None = None
    rules: tuple[RouteRule, ...] | None = None


class ParentStatus(Struct, frozen=True):
    """What one controller says of the route at one parent."""

    parent_ref: Reference = Reference()
    controller_name: str = ""
    conditions: tuple[Condition, ...] | None = None


class RouteStatus(Struct, frozen=True):
    parents: tuple[ParentStatus, ...] | None = None


class Route(Struct, frozen=True):
    """What the kinds of routes have in common."""

    metadata: Metadata
    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()


class HTTPRoute(Route, frozen=True):
    """HTTP by host, path and more."""


class GRPCRoute(Route, frozen=True):
    """gRPC by host, service and method."""


class TLSRoute(Route, frozen=True):
    """TLS by the name that the client asks for (SNI)."""


class TCPRoute(Route, frozen=True):
    """Whatever comes in at a listener's port."""


class GrantFrom(Struct, frozen=True):
    kind: str = ""
    group: str | None = None
    namespace: str = ""


class GrantTo(Struct, frozen=True):
    kind: str = ""
    group: str | None = None
    name: str | None = None


class ReferenceGrantSpec(Struct, frozen=True):
    from_: tuple[GrantFrom, ...] | None = msgspec.field(default=None, name="from")
    to: tuple[GrantTo, ...] | None = None


class ReferenceGrant(Struct, frozen=True):
    """Says that objects of other namespaces may refer to objects of its own."""

    metadata: Metadata
    spec: ReferenceGrantSpec = ReferenceGrantSpec()


EntranceObject = (
    OpenShiftRoute | Ingress | IngressClass | Gateway | GatewayClass | Route | ReferenceGrant | Registration
)


Owner = Ingress | Route | OpenShiftRoute | Registration | Node | Service


class Door(Struct, frozen=True):
    """One way through an entrance: for this host and path, by a rule of `owner`, to this backend.

    `host` and `path` are empty for any. `field` is where the backend stands in the owner. `port` is as it is
    written there: a number, a name, or None where there is none. What a `pattern` takes only its controller knows.
    `url` is the host and path of a URL that was asked about, empty without one.
    """

    owner: Owner
    field: str
    host: str
    path: str
    namespace: str
    service: str
    port: int | str | None
    exact: bool = False
    weight: int = 1
    pattern: bool = False
    kind: str = "Service"
    url: str = ""

    @property
    def rule(self) -> str:
        """`shop.example/cart`, `*/` for any."""
        return (self.host or "*") + (self.path or "/")

    @property
    def backend(self) -> str:
        """`svc/cart:80`."""
        short = "svc" if self.kind == "Service" else self.kind.lower()
        return f"{short}/{self.service}" + (f":{self.port}" if self.port is not None else "")

    @property
    def client(self) -> str:
        """Whoever comes through it."""
        return "client"


class Call(Door, frozen=True):
    """What the API server calls: `host` is the name of a webhook or an APIService, `ca_bundle` in base64."""

    ca_bundle: str | None = None

    @property
    def rule(self) -> str:
        """`check.shop.example/validate`, the name alone without a path."""
        return self.host + self.path

    @property
    def client(self) -> str:
        """The control plane."""
        return "API server"


class Entry(Door, frozen=True):
    """An address in front of a Service or a pod: a node's at a nodePort or hostPort, or a load balancer's.

    `address` is empty where there is none yet, `number` is dialled there.
    """

    address: str = ""
    number: int = 0

    @property
    def rule(self) -> str:
        """`10.0.0.7:30080`, `port 80` without an address."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.number}" if shown else f"port {self.number}"
