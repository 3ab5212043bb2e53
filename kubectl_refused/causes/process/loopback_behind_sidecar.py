"""A mesh's proxy accepts for an app that listens on loopback only.

Why it refuses:
    The proxy takes the connection, then dials the pod's own address as the client did (Istio since 1.10), where
    no socket is: the app is bound to 127.0.0.1. HTTP callers get 503, others a reset, though the handshake works.
Confirm:
    kubectl exec POD -c APP -- cat /proc/net/tcp    # 0100007F:PORT in state 0A
Fix:
    Bind the server to 0.0.0.0, or to [::] for both families.
See:
    https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.bind import bind_everywhere
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.sockets import Standing, shown, standing
from kubectl_refused.trace.veils import proxy_said, refused_behind, says_nothing, veil


@cause(
    "KR501",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces=Symptom.RESET,
    since="0.2",
    needs_symptom=True,
)
def loopback_behind_sidecar(scene: Scene) -> Iterator[Finding]:
    """Yield when a proxy accepted the dial and the app's port is bound to loopback addresses only.

    Older proxies dial localhost, where that works: it is proved where the proxy itself tells of the refusal.
    """
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or not says_nothing(scene, pod, handshake):
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    if standing(listeners.sockets, handshake.host, handshake.port) is not Standing.LOOPBACK:
        return
    bound = shown(s for s in listeners.sockets if s.port == handshake.port)
    mesh = veil(scene, pod, handshake.port)
    proxy = mesh.proxy if mesh else "the proxy"
    told: list[Evidence] = []
    if refused_behind(handshake):
        says = f"the proxy says: {proxy_said(handshake)}"
        told.append(WitnessEvidence(witness=handshake.witness, subject=f"pod/{pod.metadata.name}", says=says))
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{proxy} accepts and dials {handshake.host}:{handshake.port}; the app is on {bound} only",
        headline=f"{proxy} accepts, and the app behind it listens on loopback only",
        certainty=Certainty.PROVED if told else Certainty.LIKELY,
        evidence=(sockets(pod, listeners), *told, packet(scene, handshake)),
        fix=bind_everywhere(scene, pod, handshake.port),
    )
