"""A load balancer's health checks find nobody at healthCheckNodePort.

Why it refuses:
    With externalTrafficPolicy: Local a load balancer asks every node at healthCheckNodePort whether it has an
    endpoint, and sends connections only to nodes that say so (200; 503 without one). kube-proxy answers there.
    Where it does not (another proxy that never opens the port, a firewall between, a kube-proxy that is behind),
    all nodes count as down, and the load balancer refuses or drops everybody, while every nodePort works.
Confirm:
    curl -i http://NODE:HEALTHCHECKNODEPORT/healthz    # 200 on nodes with an endpoint
Fix:
    Let whoever replaces kube-proxy serve health checks, open the port to the load balancer, or set
    externalTrafficPolicy to Cluster.
See:
    https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#preserving-the-client-source-ip
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import HANDSHAKE, NODES, ClusterKey, Dial
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entries import node_address, sound
from kubectl_refused.trace.proofs import field, packet, service_subject

MOST_NODES = 3
_CLOSED = {Outcome.REFUSED, Outcome.REJECTED, Outcome.TIMEOUT}


@cause("KR832", scope=Scope.ENTRANCE, reads={HANDSHAKE, NODES}, produces=Symptom.SILENCE, since="0.3")
def health_check_port_refused(scene: Scene) -> Iterator[Finding]:
    """Yield when nodes with a ready endpoint do not accept there; dialled from within, where all else works."""
    service, door = scene.service, scene.door
    if service is None or not isinstance(door, Entry) or not isinstance(door.owner, Service) or scene.from_files:
        return
    port = service.spec.health_check_node_port
    if not port or service.spec.external_traffic_policy != "Local" or not scene.ready_endpoints:
        return
    asked = _asked(scene, port)
    closed = {name: seen for name, seen in asked.items() if seen.outcome in _CLOSED}
    if not closed:
        return
    subject, where, every = service_subject(scene), ", ".join(closed), len(closed) == len(asked)
    refused = all(seen.outcome is Outcome.REFUSED for seen in closed.values())
    how = "is served by nobody" if refused else "does not answer"
    yield Finding(
        where=f"healthCheckNodePort {port} of {subject}, on {where}",
        says=f"{where} {'has' if len(closed) == 1 else 'have'} an endpoint, and port {port} {how} there",
        headline=f"its healthCheckNodePort {port} {how} on {where}, so that its load balancer sends nobody there",
        certainty=Certainty.PROVED if refused and every else Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.healthCheckNodePort", port, f"spec.healthCheckNodePort is {port}"),
            *(packet(scene, seen) for seen in asked.values()),
        ),
        fix=service_change(scene, "Set externalTrafficPolicy to Cluster", {"externalTrafficPolicy": "Cluster"}),
    )


def _asked(scene: Scene, port: int) -> dict[str, Handshake]:
    """The dials to a few nodes that have an endpoint, by the node's name."""
    having = {one.node for one in scene.ready_endpoints}
    nodes = [n for n in scene.maybe(NODES, ClusterKey()) or () if n.metadata.name in having and sound(n)]
    dials = {n.metadata.name: node_address(n, ipv6=scene.family == "IPv6") for n in nodes[:MOST_NODES]}
    seen = ((name, scene.maybe(HANDSHAKE, Dial(at, port, scene.vantage.key))) for name, at in dials.items() if at)
    return {name: one for name, one in seen if one is not None}
