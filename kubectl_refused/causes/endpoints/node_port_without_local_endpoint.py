"""The nodePort answers only on nodes that have an endpoint.

Why it refuses:
    With externalTrafficPolicy: Local a node hands what comes from outside of the cluster to its own endpoints only
    (so that the client's address is kept), and drops it where it has none. Pods and nodes themselves are served
    everywhere, so that the fault is seen from outside only. A load balancer that asks the Service's
    healthCheckNodePort leaves such nodes out; a client with a fixed node address does not.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o wide    # nodeName, against the node dialled
Fix:
    Dial a node that has an endpoint, set externalTrafficPolicy to Cluster, or run a pod on every node.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import HANDSHAKE, NODES, ClusterKey, Dial
from kubectl_refused.model.objects import Node
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import HERE
from kubectl_refused.trace.proofs import field, packet, service_subject

MOST_NODES = 3  # of each sort: one silence beside one answer is the proof


@cause(
    "KR226", scope=Scope.ROUTE, reads={HANDSHAKE, NODES}, produces=Symptom.SILENCE, since="0.2", needs_symptom=True
)
def node_port_without_local_endpoint(scene: Scene) -> Iterator[Finding]:
    """Yield when, dialled from outside, the nodePort answers on a node with an endpoint and on one without not."""
    service, port = scene.service, scene.port
    if service is None or port is None or not port.node_port or scene.vantage.key != HERE:
        return
    if service.spec.external_traffic_policy != "Local" or not scene.ready_endpoints:
        return
    having = {e.node for e in scene.ready_endpoints}
    nodes = scene.maybe(NODES, ClusterKey()) or ()
    silent = _dialled(scene, port.node_port, (n for n in nodes if n.metadata.name not in having))
    dropped = {name: seen for name, seen in silent.items() if seen.outcome is Outcome.TIMEOUT}
    if not dropped:
        return
    answers = _dialled(scene, port.node_port, (n for n in nodes if n.metadata.name in having))
    served = {name: seen for name, seen in answers.items() if seen.outcome is Outcome.ACCEPTED}
    if not served:
        return  # something else keeps this machine from the nodes
    without, within = ", ".join(dropped), ", ".join(served)
    subject = service_subject(scene)
    yield Finding(
        where=f"nodePort {port.node_port} of {subject}, on {without}",
        says=f"externalTrafficPolicy is Local; {without} has no endpoint, {within} has",
        headline=f"nodePort {port.node_port} answers only on nodes with an endpoint, and {without} has none",
        # A load balancer that checks the nodes' health never sends anybody there.
        certainty=Certainty.PROVED if service.spec.type == "NodePort" else Certainty.POSSIBLE,
        evidence=(
            field(scene, subject, "spec.externalTrafficPolicy", "Local", "spec.externalTrafficPolicy is Local"),
            *(packet(scene, seen) for seen in dropped.values()),
            *(packet(scene, seen) for seen in served.values()),
        ),
        fix=service_change(scene, "Set externalTrafficPolicy to Cluster", {"externalTrafficPolicy": "Cluster"}),
    )


def _dialled(scene: Scene, port: int, nodes: Iterable[Node]) -> dict[str, Handshake]:
    """The nodePort of a few nodes that say they are ready, as this machine meets it, by the node's name."""
    ready = [node for node in nodes if _is_ready(node) and _address(scene, node)][:MOST_NODES]
    asked = (
        (node.metadata.name, scene.maybe(HANDSHAKE, Dial(_address(scene, node), port, HERE))) for node in ready
    )
    return {name: seen for name, seen in asked if seen is not None}


def _is_ready(node: Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or ())


def _address(scene: Scene, node: Node) -> str:
    """The address of the scene's family that a machine outside would take."""
    addresses = [a for a in node.status.addresses or () if (":" in a.address) == (scene.family == "IPv6")]
    known = {a.type: a.address for a in addresses}
    return known.get("ExternalIP") or known.get("InternalIP", "")
