"""A node is dialled that has no endpoint, and traffic stays on the node.

Why it refuses:
    With externalTrafficPolicy: Local a node hands what comes from outside of the cluster to its own endpoints only
    (so that the client's address is kept), and drops it where it has none. Pods are served everywhere where
    kube-proxy is told which addresses are theirs (--detect-local-mode), and else are dropped as well.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME -o wide    # nodeName, against the node dialled
Fix:
    Dial a node that has an endpoint, set externalTrafficPolicy to Cluster, or run a pod on every node.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entries import lacks_local_endpoint, nodes_with_endpoints
from kubectl_refused.trace.proofs import field, packet


@cause("KR840", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.SILENCE, since="0.3")
def node_lacks_local_endpoint(scene: Scene) -> Iterator[Finding]:
    """Yield when a node that has no endpoint of a Service with that policy gives no answer."""
    door, dial = scene.door, scene.door_dial
    if not isinstance(door, Entry) or dial is None:
        return
    service = scene.snapshot.service(door.namespace, door.service)
    if service is None or not lacks_local_endpoint(door, scene.snapshot):
        return
    seen = scene.maybe(HANDSHAKE, dial)
    if seen is None or seen.outcome is not Outcome.TIMEOUT:
        return
    subject, having = f"service/{door.service}", sorted(nodes_with_endpoints(service, scene.snapshot))
    name = door.owner.metadata.name
    says = f"externalTrafficPolicy is Local; {name} has no endpoint, {', '.join(having[:3])} has"
    yield Finding(
        where=f"nodePort {door.number} of {subject}, on {name}",
        says=says,
        headline=f"nodePort {door.number} answers only on nodes with an endpoint, and {name} has none",
        evidence=(
            field(scene, subject, "spec.externalTrafficPolicy", "Local", "spec.externalTrafficPolicy is Local"),
            packet(scene, seen),
        ),
        fix=change(
            scene,
            "Service",
            service.metadata,
            summary="Set externalTrafficPolicy to Cluster",
            patch={"spec": {"externalTrafficPolicy": "Cluster"}},
        ),
    )
