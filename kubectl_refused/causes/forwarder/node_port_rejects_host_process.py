"""A nodePort without endpoints rejects a process of the nodes on that port.

Why it refuses:
    kube-proxy rejects a nodePort whose Service has no ready endpoint with ICMP port unreachable, on every node
    and for every address of it. The rule knows nothing of processes: a pod on the host network, or a daemon,
    that listens on that port is rejected too, by its address and through Services that lead to it, also from
    its own node. Seen on Kubernetes 1.34 in nftables and iptables mode (kubernetes issue 97360).
Confirm:
    kubectl get services -A | grep :PORT/TCP    # whose nodePort it is; it has no endpoints
Fix:
    Give that Service another nodePort (or its endpoints back), or move the process out of the nodePort range.
See:
    https://github.com/kubernetes/kubernetes/issues/97360
    https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, SERVICES_EVERYWHERE, SLICES_IN
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.node_ports import holding, rejected_by_its_host
from kubectl_refused.trace.proofs import field, packet


@cause(
    "KR230",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, SERVICES_EVERYWHERE, SLICES_IN},
    produces={Symptom.REJECT, Symptom.RST},
    since="0.2",
    needs_symptom=True,
)
def node_port_rejects_host_process(scene: Scene) -> Iterator[Finding]:
    """Yield when a node rejects a port of its own, which is the nodePort of a Service without endpoints."""
    seen, pod = scene.dialled, scene.pod
    if seen is None or not rejected_by_its_host(seen) or (pod is not None and not pod.spec.host_network):
        return
    found = holding(scene, seen.port)
    if found is None:
        return
    service, idle = found
    meta = service.metadata
    name = f"svc/{meta.name} of namespace {meta.namespace}"
    who = f"pod/{pod.metadata.name}" if pod else seen.host
    lacks = "it has no ready endpoint" if idle else "whether it has endpoints could not be read"
    evidence: list[Evidence] = [
        packet(scene, seen),
        field(scene, f"service/{meta.name}", "spec.ports[].nodePort", seen.port, f"nodePort {seen.port}; {lacks}"),
    ]
    yield Finding(
        where=f"port {seen.port} of {who}",
        says=f"{who} is on its node's network, and port {seen.port} is the nodePort of {name}, without endpoints",
        headline=f"port {seen.port} is the nodePort of {name}, which has no endpoints: every node rejects it",
        certainty=Certainty.PROVED if idle else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(summary=f"Give {name} another nodePort or its endpoints back, or leave port {seen.port}"),
    )
