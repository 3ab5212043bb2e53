"""The client still uses an address that the Service no longer has.

Why it refuses:
    A Service that is made anew has another ClusterIP, and pods come and go with theirs. A client that resolved the
    name once (nginx at its start, Java with its cache, a pool that never asks again), or that took the address out
    of the variables which Kubernetes sets when a container starts, goes on dialling where nobody is: silence, or
    an RST of whoever has the address by now. The name and the Service are well.
Confirm:
    kubectl exec CLIENT -- cat /proc/net/tcp    # the far end in state 02 (SYN_SENT) is no address of the Service
Fix:
    Restart the client, and let it resolve the name anew when a connection fails.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#discovering-services
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.restart import restart
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import CONNECTIONS, HOLDER, PODS_IN, WORKLOAD, AddressKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Connections, Outcome, Peer
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.client_pods import client_pod
from kubectl_refused.trace.proofs import field, packet, service_subject
from kubectl_refused.trace.statuses import running

# Clusters give Services, and pods, addresses out of one range each: those of a range share this much.
NEAR_V4, NEAR_V6 = 16, 64


@cause(
    "KR110",
    scope=Scope.ROUTE,
    reads={CONNECTIONS, HOLDER, PODS_IN, WORKLOAD},
    produces=Symptom.SILENCE,
    since="0.2",
    needs_symptom=True,
)
def client_keeps_old_address(scene: Scene) -> Iterator[Finding]:
    """Yield when the client has connections to an address that was the Service's, by Kubernetes' own word.

    Without that word it is likely, where connections are begun, not answered, and lead to nobody of this cluster.
    """
    entrance = scene.handshake(scene.entrance_dial)
    if (
        entrance is None
        or entrance.outcome is not Outcome.ACCEPTED
        or scene.vantage.kind not in ("client", "stand-in")
    ):
        return
    pod = client_pod(scene)
    if pod is None or not running(pod) or pod.spec.host_network:
        return
    seen = scene.need(CONNECTIONS, pod_key(pod))
    former = _told_at_start(scene, seen)
    for peer in seen.peers:
        if peer.address in _current(scene) or peer.port not in _ports(scene):
            continue
        if peer.address == former or _leads_to_nobody(scene, peer):
            evidence = (*_evidence(scene, seen, peer, former), packet(scene, entrance))
            yield _finding(scene, pod, peer, evidence, proved=peer.address == former)
            return


def _current(scene: Scene) -> frozenset[str]:
    """Every address that the Service has now."""
    spec = scene.service.spec if scene.service else None
    return frozenset(
        {scene.entrance, *((spec.cluster_ips if spec else None) or ()), *(e.address for e in scene.endpoints)}
    )


def _ports(scene: Scene) -> frozenset[int]:
    own = [p.port for p in (scene.service.spec.ports if scene.service else None) or ()]
    return frozenset(own) | {e.port for e in scene.endpoints if e.port is not None}


def _told_at_start(scene: Scene, seen: Connections) -> str:
    """The ClusterIP that the Service had when the client's container started; empty where that is not known."""
    if scene.vantage.namespace not in ("", scene.target.namespace):
        return ""  # Kubernetes tells the Services of the pod's own namespace only
    return dict(seen.linked).get(scene.target.name.upper().replace("-", "_"), "")


def _leads_to_nobody(scene: Scene, peer: Peer) -> bool:
    """Whether it is begun, unanswered, out of the range of the Service's addresses, and nobody's."""
    if not peer.waiting or not any(_near(peer.address, one) for one in _current(scene)):
        return False
    holder = scene.maybe(HOLDER, AddressKey(peer.address))
    return holder is not None and not holder.kind


def _near(one: str, other: str) -> bool:
    try:
        first, second = ip_address(one), ip_address(other)
    except ValueError:
        return False
    bits = NEAR_V4 if first.version == 4 else NEAR_V6
    return first.version == second.version and second in ip_network(f"{first}/{bits}", strict=False)


def _evidence(scene: Scene, seen: Connections, peer: Peer, former: str) -> tuple[Evidence, ...]:
    told = f"{peer.waiting} unanswered (SYN_SENT)" if peer.waiting else f"{peer.open} established"
    subject = _shown(peer)
    says = f"the client has connections to {subject}: {told}"
    evidence: list[Evidence] = [WitnessEvidence(witness=seen.witness, subject=subject, says=says)]
    if peer.address == former:
        name = scene.target.name.upper().replace("-", "_")
        says = f"{name}_SERVICE_HOST={former}: so Kubernetes told the client's container when it started"
        evidence.append(WitnessEvidence(witness=seen.witness, subject=service_subject(scene), says=says))
    address = scene.entrance or "None"
    evidence.append(
        field(scene, service_subject(scene), "spec.clusterIP", address, f"its address is {address} now")
    )
    return tuple(evidence)


def _finding(scene: Scene, pod: Pod, peer: Peer, evidence: tuple[Evidence, ...], *, proved: bool) -> Finding:
    subject, who = _shown(peer), scene.vantage.who
    was = f"which svc/{scene.target.name} had before" if proved else "which is nobody's any more"
    return Finding(
        where=f"pod/{pod.metadata.name}",
        says=f"{who} uses {subject}, {was}; it is {scene.entrance} now",
        headline=f"{who} still uses {subject}, {was}",
        certainty=Certainty.PROVED if proved else Certainty.LIKELY,
        evidence=evidence,
        fix=restart(scene, pod, "Restart the client, so that it resolves the name anew"),
    )


def _shown(peer: Peer) -> str:
    return f"[{peer.address}]:{peer.port}" if ":" in peer.address else f"{peer.address}:{peer.port}"
