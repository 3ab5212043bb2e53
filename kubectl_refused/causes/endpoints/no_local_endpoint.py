"""The Service keeps traffic on its node, and the client's node has no endpoint.

Why it refuses:
    With internalTrafficPolicy: Local the service proxy of each node forwards only to endpoints of that node. On a
    node without one kube-proxy drops what is sent to the ClusterIP, in the nftables and the iptables mode alike:
    clients of that node wait until they time out, while those of other nodes, and the pods' own addresses, work.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o wide    # nodeName, against the client's node
Fix:
    Set spec.internalTrafficPolicy to Cluster, or run a pod of the Service on every node that has clients.
See:
    https://kubernetes.io/docs/concepts/services-networking/service-traffic-policy/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Certainty, Evidence, Finding
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.proofs import field, packet, service_subject

MOST_NODES = 4


@cause("KR225", scope=Scope.ROUTE, reads={HANDSHAKE}, produces=Symptom.SILENCE, since="0.2", needs_symptom=True)
def no_local_endpoint(scene: Scene) -> Iterator[Finding]:
    """Yield when traffic stays local and the ClusterIP fails on a node that has none of the endpoints."""
    service, node = scene.service, scene.vantage.node
    if service is None or service.spec.internal_traffic_policy != "Local" or not scene.entrance_dial or not node:
        return
    serving = [e for e in scene.endpoints if _serves(scene, e)]
    if not serving or any(e.node == node for e in serving):
        return
    failed = scene.maybe(HANDSHAKE, scene.entrance_dial)
    if failed is None or failed.outcome is Outcome.ACCEPTED:
        return
    nodes = sorted({e.node or "no node" for e in serving})
    told = ", ".join(nodes[:MOST_NODES]) + (f" and {len(nodes) - MOST_NODES} more" if nodes[MOST_NODES:] else "")
    subject = service_subject(scene)
    says = f"internalTrafficPolicy is Local; the client is on {node}, the endpoints are on {told}"
    behind = _accepted(scene, serving)
    evidence: list[Evidence] = [
        field(scene, subject, "spec.internalTrafficPolicy", "Local", "spec.internalTrafficPolicy is Local"),
        field(scene, f"endpointslice/{serving[0].slice_name}", "endpoints[].nodeName", nodes, f"nodeName: {told}"),
        packet(scene, failed),
        *(packet(scene, seen) for seen in behind),
    ]
    yield Finding(
        where=f"{subject}, on {node}",
        says=says,
        headline=f"it keeps traffic on the client's node, and {node} has none of its endpoints",
        # Silence at a node without endpoints is what this policy makes; only an endpoint that accepts shows that
        # nothing else is in the way.
        certainty=Certainty.PROVED if behind and failed.first_hand else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=service_change(scene, "Set internalTrafficPolicy to Cluster", {"internalTrafficPolicy": "Cluster"}),
    )


def _serves(scene: Scene, endpoint: Endpoint) -> bool:
    """Whether kube-proxy may send traffic there: to terminating ones only where no other is left (KEP-1669)."""
    left = endpoint.terminating and endpoint.serving and not scene.ready_endpoints
    return endpoint.port is not None and (endpoint.ready or left)


def _accepted(scene: Scene, endpoints: list[Endpoint]) -> list[Handshake]:
    """A dial from the same client straight to an endpoint that accepted, if there is one."""
    seen = (scene.maybe(HANDSHAKE, scene.at_endpoint(e).endpoint_dial) for e in endpoints[:MOST_NODES] if e.ready)
    return [h for h in seen if h and h.outcome is Outcome.ACCEPTED][:1]
