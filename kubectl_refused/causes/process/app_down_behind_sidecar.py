"""A mesh's proxy accepts for the app, and the app itself is down.

Why it refuses:
    The proxy takes every connection to the pod before it knows whether the app does (istio issue 41090). The
    handshake succeeds, then the proxy meets the refusal: HTTP callers get 503 or 502, others a reset.
Confirm:
    kubectl exec POD -c APP -- cat /proc/net/tcp    # in state 0A only the proxy's own ports (3A9E is 15006)
Fix:
    Start the server (its log says why it did not), and give the container a readinessProbe.
See:
    https://istio.io/latest/docs/ops/common-problems/network-issues/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key, pod_port
from kubectl_refused.trace.candidate_ports import app_ports
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.veils import proxy_said, refused_behind, says_nothing, veil


@cause(
    "KR502",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, FORWARD, WORKLOAD},
    produces=Symptom.RESET,
    shows=Symptom.NO_LISTENER,
    since="0.2",
    needs_symptom=True,
)
def app_down_behind_sidecar(scene: Scene) -> Iterator[Finding]:
    """Yield when a proxy accepted the dial and no socket of the app's is there; without sockets it is likely."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or not says_nothing(scene, pod, handshake):
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is not None:
        mine = [s.port for s in app_sockets(pod, listeners.sockets)]
        if handshake.port not in mine and not app_ports(pod, mine):
            proof = [sockets(pod, listeners), *_witnesses(pod, handshake, refused=False)]
            yield _finding(scene, pod, handshake, proof, Certainty.PROVED)
        return
    inside = scene.maybe(FORWARD, pod_port(pod, handshake.port))
    refused = inside is not None and inside.outcome is Outcome.REFUSED
    if refused or refused_behind(handshake):
        proof = _witnesses(pod, handshake, refused=refused)
        sure = refused and refused_behind(handshake)
        yield _finding(scene, pod, handshake, proof, Certainty.PROVED if sure else Certainty.LIKELY)


def _witnesses(pod: Pod, handshake: Handshake, *, refused: bool) -> list[Evidence]:
    """What port-forward and the proxy itself say."""
    found: list[Evidence] = []
    if refused:
        says = f"port-forward to {handshake.port} is refused: it goes past the proxy, to localhost in the pod"
        found.append(WitnessEvidence(witness="port-forward", subject=f"pod/{pod.metadata.name}", says=says))
    if refused_behind(handshake):
        says = f"the proxy says: {proxy_said(handshake)}"
        found.append(WitnessEvidence(witness=handshake.witness, subject=f"pod/{pod.metadata.name}", says=says))
    return found


def _finding(scene: Scene, pod: Pod, handshake: Handshake, proof: list[Evidence], certainty: Certainty) -> Finding:
    mesh = veil(scene, pod, handshake.port)
    proxy = mesh.proxy if mesh else "the proxy"
    kind, metadata, _ = workload_of(scene, pod)
    app = next((c.name for c in containers(pod) if mesh is None or c.name != mesh.container), "")
    return Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{proxy} accepts for port {handshake.port}; nothing of the app's listens on it",
        headline=f"{proxy} accepts, and the app behind it does not listen",
        certainty=certainty,
        evidence=(*proof, packet(scene, handshake)),
        fix=Fix(
            summary=f"Make container {app} serve port {handshake.port}, and give it a readinessProbe",
            owner=named(kind, metadata.name),
        ),
    )
