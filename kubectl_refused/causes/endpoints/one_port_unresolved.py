"""One port of the Service has no endpoints, while its other ports do.

Why it refuses:
    The ports of a Service are looked up one by one. Where a targetPort is a name that no container declares with
    that protocol, the EndpointSlice has the pods' addresses and the other ports, and this one is left out
    (derived from kubernetes issue 109627; seen): kube-proxy rejects it alone. Whoever tests another port of the
    same Service, or looks at the list of endpoints, finds it well.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o jsonpath='{..ports}'
Fix:
    Name the container's port so, or give targetPort as a number.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#multi-port-services
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, NearestEvidence
from kubectl_refused.model.objects import EndpointSlice
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import resolve_target_port
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, service_subject

from .named_target_port_missing import aimed_at, by_number, declared, other_ports


@cause("KR229", scope=Scope.ROUTE, produces=Symptom.NO_ENDPOINTS, since="0.2", needs_symptom=True)
def one_port_unresolved(scene: Scene) -> Iterator[Finding]:
    """Yield when targetPort is a name that no selected pod declares, and other ports of the Service resolve."""
    port, others = scene.port, other_ports(scene)
    if port is None or not scene.pods or scene.ready_endpoints or not others:
        return
    wanted = port.target_port
    if not isinstance(wanted, str) or any(resolve_target_port(pod, port) is not None for pod in scene.pods):
        return
    pod, taken = scene.pods[0], {p.target_port for p in others}
    offered = declared(pod, port.protocol)
    free = {name: number for name, number in offered.items() if not {name, number} & taken}
    meant = nearest(wanted, free) or (next(iter(free)) if len(free) == 1 else None)
    told = ", ".join(f"{name} ({number})" for name, number in offered.items()) or "no named port"
    well = ", ".join(p.name or str(p.port) for p in others)
    evidence: list[Evidence] = [
        field(
            scene, service_subject(scene), "spec.ports[].targetPort", wanted, f"targetPort is the name {wanted}"
        ),
        field(scene, f"pod/{pod.metadata.name}", "spec.containers[].ports", list(offered), f"it declares {told}"),
        *(_listed(scene, part) for part in scene.slices[:1]),
    ]
    if meant:
        says = f"{meant} ({offered[meant]}) is the nearest name"
        differs = {"targetPort": (wanted, meant)}
        subject = f"pod/{pod.metadata.name}"
        evidence.append(NearestEvidence(witness="api server", subject=subject, says=says, differs=differs))
    yield Finding(
        where=f"port {port.name or port.port} of svc/{scene.target.name}",
        says=f"targetPort {wanted}; the containers declare {told}; {well} of the same Service has endpoints",
        headline=f"no container declares a port named {wanted}, only its port {well} has endpoints",
        evidence=tuple(evidence),
        fix=aimed_at(scene, meant) if meant else by_number(scene, pod),
    )


def _listed(scene: Scene, part: EndpointSlice) -> Evidence:
    ports = ", ".join(f"{p.name or 'unnamed'} ({p.port})" for p in part.ports or ()) or "no port"
    says = f"{len(part.endpoints or ())} addresses, with {ports} only"
    return field(scene, f"endpointslice/{part.metadata.name}", "ports", ports, says)
