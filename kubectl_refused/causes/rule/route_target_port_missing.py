"""An OpenShift Route names a targetPort that its Service does not have.

Why it refuses:
    The router takes the endpoints whose port has the name or number of spec.port.targetPort. A name is that of the
    Service's port, and a number that of the pods. Where neither is there the router has no endpoint for the Route,
    and answers 503 "Application is not available", though the Service works.
Confirm:
    oc get route NAME -o jsonpath='{.spec.port.targetPort}'    # against: kubectl get svc NAME -o yaml
Fix:
    Name one of the Service's ports, or leave spec.port away where it has one only.
See:
    https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/networking/configuring-routes
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.entrance import owner_change
from kubectl_refused.model.entrances import Door
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.objects import ServicePort
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.doors import service_behind
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.openshift import port_behind
from kubectl_refused.trace.proofs import field, nearest_miss

FIELD = "spec.port.targetPort"


@cause("KR816", scope=Scope.ENTRANCE, produces=Symptom.NO_PORT, since="0.3")
def route_target_port_missing(scene: Scene) -> Iterator[Finding]:
    """Yield when no port of the Service has that name or leads to that number."""
    door = scene.door
    if door is None or not isinstance(door.owner, OpenShiftRoute) or door.port is None:
        return
    service = service_behind(door, scene.snapshot)
    if service is None or service.spec.type == "ExternalName" or port_behind(door, service) is not None:
        return
    ports = [one for one in service.spec.ports or () if one.protocol == "TCP"]
    listed = ", ".join(map(_told, ports)) or "none"
    subject, meant = f"route/{door.owner.metadata.name}", _meant(door, ports)
    says = f"{FIELD} is {door.port}, and svc/{door.service} has {listed}"
    evidence: list[Evidence] = [
        field(scene, subject, FIELD, door.port, f"{FIELD} is {door.port}"),
        field(scene, f"service/{door.service}", "spec.ports", [one.port for one in ports], f"it lists {listed}"),
    ]
    if meant is not None:
        told = f"{_told(meant)} is what is there"
        wanted = _value(meant)
        evidence.append(
            nearest_miss(scene, f"service/{door.service}", "targetPort", str(door.port), str(wanted), told)
        )
    yield Finding(
        where=f"{subject}, {FIELD}",
        says=says,
        headline=f"its targetPort {door.port} is no port of svc/{door.service}"
        + (f", it has {_told(meant)}" if meant else ""),
        evidence=tuple(evidence),
        fix=owner_change(scene, door.owner, f"Set {FIELD} to {_value(meant)}", FIELD, _value(meant))
        if meant
        else Fix(summary=f"Name one of its ports in {FIELD}: {listed}"),
    )


def _meant(door: Door, ports: list[ServicePort]) -> ServicePort | None:
    """The Service's own number, which the router does not look at; the nearest name; the only port."""
    own = next((one for one in ports if str(one.port) == str(door.port)), None)
    near = nearest(str(door.port), [one.name for one in ports if one.name])
    by_name = next((one for one in ports if near and one.name == near), None)
    return own or by_name or (ports[0] if len(ports) == 1 else None)


def _value(port: ServicePort) -> int | str:
    return port.name or port.target_port or port.port


def _told(port: ServicePort) -> str:
    named = f"{port.name} " if port.name else ""
    return f"{named}({port.port} to {port.target_port or port.port})"
