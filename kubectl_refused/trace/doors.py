"""The doors of an Ingress: each host and path with the backend behind it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.entrances import Door, Entry, Ingress, IngressBackend, IngressClass
from kubectl_refused.model.objects import Service, ServicePort
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target

from .openshift import port_behind

NGINX = "k8s.io/ingress-nginx"
# https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"


def ingress_doors(ingress: Ingress) -> Iterator[Door]:
    """The rules in their order, then what takes all others."""
    for at, rule in enumerate(ingress.spec.rules or ()):
        for place, path in enumerate((rule.http.paths if rule.http else None) or ()):
            field = f"spec.rules[{at}].http.paths[{place}].backend"
            yield _door(ingress, field, path.backend, rule.host or "", path.path or "", path.path_type or "")
    if ingress.spec.default_backend:
        yield _door(ingress, "spec.defaultBackend", ingress.spec.default_backend, "", "")


def _door(ingress: Ingress, field: str, backend: IngressBackend, host: str, path: str, sort: str = "") -> Door:
    kind, name, port = "Service", "", None
    if backend.service:
        name, given = backend.service.name, backend.service.port
        port = given.number if given.number is not None else given.name
    elif backend.resource:
        kind, name = backend.resource.kind, backend.resource.name
    return Door(
        owner=ingress,
        field=field,
        host=host,
        path=path,
        namespace=ingress.metadata.namespace,
        service=name,
        port=port,
        exact=sort == "Exact",
        pattern=sort == "ImplementationSpecific",
        kind=kind,
    )


def backend_port(door: Door, service: Service) -> ServicePort | None:
    """The Service's port that the door names; a number is never a name, nor the other way round."""
    ports = service.spec.ports or ()
    if isinstance(door.port, int):
        return next((p for p in ports if p.port == door.port), None)
    return next((p for p in ports if p.name == door.port), None) if door.port else None


def service_behind(door: Door, snapshot: Snapshot) -> Service | None:
    """The backend, where it is a Service that was read."""
    return snapshot.service(door.namespace, door.service) if door.kind == "Service" else None


def led_to(door: Door, snapshot: Snapshot, kubectl: str) -> Target | None:
    """The Service and port behind a door; None where there is no such Service, or it has no such port.

    An alias (ExternalName) lists no ports of its own: the door's number is dialled where it leads.
    """
    if isinstance(door, Entry) and door.kind == "Pod":
        return Target(door.service, door.namespace, str(door.port), "Pod", kubectl)
    service = service_behind(door, snapshot)
    if service is None:
        return None
    if isinstance(door.owner, OpenShiftRoute):
        port = port_behind(door, service)
        return Target(door.service, door.namespace, str(port.port), kubectl=kubectl) if port else None
    port = backend_port(door, service) or _by_target_port(door, service, snapshot)
    number = str(port.port) if port else None
    if service.spec.type == "ExternalName" and number is None and isinstance(door.port, int):
        number = str(door.port)
    return Target(door.service, door.namespace, number, kubectl=kubectl) if number else None


def _by_target_port(door: Door, service: Service, snapshot: Snapshot) -> ServicePort | None:
    """What ingress-nginx takes as well (internal/ingress/controller/controller.go, serviceEndpoints)."""
    if not isinstance(door.owner, Ingress) or controller_of(door.owner, snapshot) != NGINX:
        return None
    return next((p for p in service.spec.ports or () if str(p.target_port) == str(door.port)), None)


def class_name(ingress: Ingress) -> str | None:
    """The class it asks for: by its field, else by the annotation before it; None for the default."""
    return ingress.spec.ingress_class_name or (ingress.metadata.annotations or {}).get(CLASS_ANNOTATION)


def classes(snapshot: Snapshot) -> tuple[IngressClass, ...]:
    """Every IngressClass that was read."""
    return tuple(o for o in snapshot.objects.values() if isinstance(o, IngressClass))


def class_of(ingress: Ingress, snapshot: Snapshot) -> IngressClass | None:
    """The class that the Ingress has; without any said, the default one."""
    name = class_name(ingress)
    found = (c for c in classes(snapshot) if c.metadata.name == name or (name is None and is_default(c)))
    return next(found, None)


def is_default(one: IngressClass) -> bool:
    """Whether an Ingress that names no class gets this one when it is made."""
    return (one.metadata.annotations or {}).get(DEFAULT_ANNOTATION) == "true"


def controller_of(ingress: Ingress, snapshot: Snapshot) -> str:
    """`k8s.io/ingress-nginx`, empty where no class tells."""
    found = class_of(ingress, snapshot)
    return found.spec.controller if found else ""


def was_looked_for(door: Door, snapshot: Snapshot) -> bool:
    """Whether the door's Service was asked for, so that absent means absent."""
    wanted = ("", f"metadata.name={door.service}")
    return any(
        c.kind == "Service" and c.namespace in ("", door.namespace) and c.selector in wanted
        for c in snapshot.coverage
    )


def is_served(ingress: Ingress) -> bool:
    """Whether a controller has written where it answers for the Ingress."""
    return bool(ingress.status.load_balancer.ingress)
