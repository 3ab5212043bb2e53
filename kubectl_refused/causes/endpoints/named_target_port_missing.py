"""The targetPort is a name that no container of the pod declares.

Why it refuses:
    A name is looked up among the containers' ports (name and protocol). Where it is missing, the EndpointSlice
    holds the pods' addresses with no port, while the old Endpoints object shows none at all (kubernetes issue
    109627), and kube-proxy has nowhere to send to: it rejects.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME    # PORTS is <unset>
Fix:
    Name the container's port so, or give targetPort as a number.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.target_port import target_port_change
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Evidence, Finding, Fix, NearestEvidence
from kubectl_refused.model.objects import Pod, ServicePort
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import containers, resolve_target_port
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, service_subject


@cause("KR214", scope=Scope.ROUTE, produces=Symptom.NO_ENDPOINTS, since="0.1", needs_symptom=True)
def named_target_port_missing(scene: Scene) -> Iterator[Finding]:
    """Yield when targetPort is a name and no selected pod declares it."""
    if scene.service is None or scene.port is None or not scene.pods or scene.ready_endpoints:
        return
    wanted = scene.port.target_port
    if not isinstance(wanted, str) or wanted.isdigit() or not wanted:
        return
    if any(resolve_target_port(pod, scene.port) is not None for pod in scene.pods) or other_ports(scene):
        return
    pod = scene.pods[0]
    offered = declared(pod, scene.port.protocol)
    told = ", ".join(f"{name} ({number})" for name, number in offered.items()) or "no named port"
    evidence: list[Evidence] = [
        field(
            scene, service_subject(scene), "spec.ports[].targetPort", wanted, f"targetPort is the name {wanted}"
        ),
        field(
            scene,
            f"pod/{pod.metadata.name}",
            "spec.containers[].ports",
            list(offered),
            f"its containers declare {told}",
        ),
    ]
    if scene.endpoints:
        count = len(scene.endpoints)
        says = f"{count} address{'es' if count > 1 else ''} and no port for {scene.port.name or scene.port.port}"
        evidence.append(field(scene, f"endpointslice/{scene.endpoints[0].slice_name}", "ports", None, says))
    meant = nearest(wanted, offered) or (next(iter(offered)) if len(offered) == 1 else None)
    if meant:
        says = f"{meant} ({offered[meant]}) is the nearest name"
        differs = {"targetPort": (wanted, meant)}
        evidence.append(
            NearestEvidence(witness="api server", subject=f"pod/{pod.metadata.name}", says=says, differs=differs)
        )
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"targetPort {wanted}; the containers declare {told}",
        headline=f"no container declares a port named {wanted}",
        evidence=tuple(evidence),
        fix=aimed_at(scene, meant) if meant else by_number(scene, pod),
    )


def other_ports(scene: Scene) -> tuple[ServicePort, ...]:
    """The Service's other ports that mean a number in some pod: then only this one is refused (KR229)."""
    ports = (scene.service.spec.ports if scene.service else None) or ()
    others = (p for p in ports if p != scene.port)
    return tuple(p for p in others if any(resolve_target_port(pod, p) is not None for pod in scene.pods))


def aimed_at(scene: Scene, meant: int | str) -> Fix:
    """The change of targetPort, and where it leads."""
    assert scene.port is not None
    changed = replace(scene.port, target_port=meant)
    return replace(target_port_change(scene, meant), leads_to=destinations(scene, scene.pods, changed))


def declared(pod: Pod, protocol: str) -> dict[str, int]:
    """Names and numbers of the pod's ports of one protocol."""
    return {
        p.name: p.container_port
        for c in containers(pod)
        for p in c.ports or ()
        if p.name and p.protocol == protocol
    }


def by_number(scene: Scene, pod: Pod) -> Fix:
    """No name is near: the only declared number, else words."""
    assert scene.port is not None
    numbers = {
        p.container_port for c in containers(pod) for p in c.ports or () if p.protocol == scene.port.protocol
    }
    if len(numbers) == 1:
        return aimed_at(scene, numbers.pop())
    return Fix(summary=f"Give targetPort of port {scene.port.port} as the number the app listens on")
