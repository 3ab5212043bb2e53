"""OpenShift's own entrance, the Route, as slim frozen Structs. Field names are those of route.openshift.io/v1."""

from __future__ import annotations

from .objects import Condition, Metadata, Struct

ROUTE_GROUP = "route.openshift.io"


class RouteTarget(Struct, frozen=True):
    """A Service of the Route's own namespace; without a weight it gets 100 parts."""

    kind: str = "Service"
    name: str = ""
    weight: int | None = None


class RoutePort(Struct, frozen=True):
    """The endpoints' port: a number there, or the name that the Service's port has."""

    target_port: int | str | None = None


class OpenShiftRouteSpec(Struct, frozen=True):
    host: str = ""
    path: str = ""
    to: RouteTarget = RouteTarget()
    alternate_backends: tuple[RouteTarget, ...] | None = None
    port: RoutePort | None = None


class RouteIngress(Struct, frozen=True):
    """What one router says of it."""

    router_name: str = ""
    host: str = ""
    conditions: tuple[Condition, ...] | None = None


class OpenShiftRouteStatus(Struct, frozen=True):
    ingress: tuple[RouteIngress, ...] | None = None


class OpenShiftRoute(Struct, frozen=True):
    metadata: Metadata
    spec: OpenShiftRouteSpec = OpenShiftRouteSpec()
    status: OpenShiftRouteStatus = OpenShiftRouteStatus()
