"""A rule of an Ingress or a route names a port that its Service does not have.

Why it refuses:
    A rule names the Service's own port, by number or by name: not the container's, not its targetPort, and not
    the nodePort. Where there is no such port the controller finds no addresses and answers 503 or 502 itself, or
    leaves the rule out (404). NGINX Inc's sends such requests to 127.0.0.1:8181 of its own pod, where nobody
    listens (502). Several implementations of the Gateway API say ResolvedRefs=True all the same, so the two
    objects are compared here. ingress-nginx takes the targetPort as well, and is not blamed for it; of other
    controllers of an Ingress that is only likely to fail.
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.ports}'
Fix:
    Name a port that the Service lists.
See:
    https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/#IngressBackend
    https://gateway-api.sigs.k8s.io/reference/spec/#backendobjectreference
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.entrance import door_change
from kubectl_refused.model.entrances import Door, Ingress
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.objects import Service, ServicePort
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.doors import led_to, service_behind
from kubectl_refused.trace.entrances import entrance_subject, port_field
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss


@cause("KR812", scope=Scope.ENTRANCE, produces=Symptom.NO_PORT, since="0.3")
def backend_port_missing(scene: Scene) -> Iterator[Finding]:
    """Yield when the Service behind a door lists no port of the door's number or name."""
    door = scene.door
    service = service_behind(door, scene.snapshot) if door else None
    if door is None or service is None or isinstance(door.owner, OpenShiftRoute):
        return  # whose port is the pods' own
    if led_to(door, scene.snapshot, "") is not None:
        return
    if service.spec.type == "ExternalName" or door.port is None:
        return  # an alias lists what it likes; without a port the API server takes no Ingress
    ports = service.spec.ports or ()
    listed = ", ".join(_told(p) for p in ports) or "none"
    meant, because = _meant(door, service)
    subject, name = entrance_subject(door.owner), f"svc/{door.service}"
    path = f"{door.field}.{port_field(door)}"
    evidence: list[Evidence] = [
        field(scene, subject, path, door.port, f"{path} is {door.port}"),
        field(scene, f"service/{door.service}", "spec.ports", [p.port for p in ports], f"{name} lists {listed}"),
    ]
    if meant:
        told = f"{_told(meant)}: {because}"
        evidence.append(
            nearest_miss(scene, f"service/{door.service}", "port", str(door.port), _wanted(door, meant), told)
        )
    yield Finding(
        where=f"{subject}, rule {door.rule}",
        says=f"rule {door.rule} names port {door.port} of {name}, which has {listed}",
        headline=f"its backend {name} has no port {door.port}" + (f", it has {_told(meant)}" if meant else ""),
        certainty=Certainty.LIKELY if _may_be_taken(door, service) else Certainty.PROVED,
        evidence=tuple(evidence),
        fix=_fix(scene, door, meant, listed),
    )


def _may_be_taken(door: Door, service: Service) -> bool:
    """Whether it is the targetPort of an Ingress's backend: controllers descended from ingress-nginx take that."""
    return isinstance(door.owner, Ingress) and any(
        str(p.target_port) == str(door.port) for p in service.spec.ports or ()
    )


def _meant(door: Door, service: Service) -> tuple[ServicePort | None, str]:
    """The listed port that was meant, and why it is thought so."""
    ports, asked = service.spec.ports or (), str(door.port)
    for port in ports:
        if asked == str(port.target_port):
            return port, f"{asked} is its targetPort, which only the pods know"
        if asked == str(port.node_port):
            return port, f"{asked} is its nodePort, which only the nodes answer"
        if isinstance(door.port, str) and asked == str(port.port):
            return port, "it is its number, and stands as a name"
    name = nearest(asked, (p.name for p in ports if p.name))
    by_name = next((p for p in ports if name and p.name == name), None)
    if by_name is not None:
        return by_name, f"{name} is the nearest name"
    return (ports[0], "it is the only one") if len(ports) == 1 else (None, "")


def _fix(scene: Scene, door: Door, meant: ServicePort | None, listed: str) -> Fix:
    if meant is None:
        return Fix(summary=f"Name one of its ports in rule {door.rule}: {listed}")
    value: object = {"number": meant.port} if isinstance(door.owner, Ingress) else meant.port
    return door_change(
        scene,
        door,
        f"Lead {door.rule} to port {meant.port} of svc/{door.service}",
        "port" if not isinstance(door.owner, Ingress) else "service.port",
        value,
    )


def _wanted(door: Door, meant: ServicePort) -> str:
    return meant.name if isinstance(door.port, str) and meant.name else str(meant.port)


def _told(port: ServicePort) -> str:
    return f"{port.port}" + (f" ({port.name})" if port.name else "")
