"""The process listens on a loopback address only.

Why it refuses:
    Packets for the pod's address arrive on its own interface; the only socket on that port is bound to
    127.0.0.1 or ::1, so the kernel answers RST. Inside the pod everything works, and so does port-forward,
    because it dials localhost in the pod's network namespace (kubernetes issue 87484).
Confirm:
    kubectl exec POD -- cat /proc/net/tcp    # 0100007F:PORT in state 0A
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
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, WORKLOAD, PodPort
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.containers import containers, said_listeners
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.sockets import is_loopback, shown


@cause(
    "KR403",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, FORWARD, WORKLOAD},
    produces=Symptom.RST,
    since="0.1",
)
def listens_on_loopback(scene: Scene) -> Iterator[Finding]:
    """Yield when the port meant is bound to loopback addresses only; from the flags alone it is only likely."""
    pod, endpoint = scene.pod, scene.endpoint
    if pod is None or endpoint is None:
        return
    handshake = scene.dialled
    if handshake is None:
        yield from _said(scene, pod)
        return
    if handshake.outcome is not Outcome.REFUSED:
        return
    works = scene.maybe(FORWARD, PodPort(pod.metadata.namespace, pod.metadata.name, handshake.port))
    witness = [_witness(handshake.port)] if works and works.outcome is Outcome.ACCEPTED else []
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        if witness:
            yield _finding(
                scene, pod, handshake.port, [packet(scene, handshake), *witness], Certainty.LIKELY, "localhost"
            )
        return
    here = [s for s in listeners.sockets if s.port == handshake.port] or list(listeners.sockets)
    if not here or not all(is_loopback(s.address) for s in here):
        return
    evidence: list[Evidence] = [sockets(pod, listeners), packet(scene, handshake), *witness]
    yield _finding(scene, pod, here[0].port, evidence, Certainty.PROVED, shown(here), here[0].owner)


def _said(scene: Scene, pod: Pod) -> Iterator[Finding]:
    """What the flags in a spec say, where nothing can be dialled or read."""
    for container in containers(pod):
        for host, port in said_listeners(container):
            if host in ("127.0.0.1", "localhost", "::1"):
                proof = field(
                    scene,
                    f"pod/{pod.metadata.name}",
                    "command",
                    port,
                    f"container {container.name} is told {host}:{port}",
                )
                yield _finding(scene, pod, port, [proof], Certainty.LIKELY, f"{host}:{port}")


def _witness(port: int) -> WitnessEvidence:
    return WitnessEvidence(
        witness="port-forward",
        subject=f"localhost:{port}",
        says=f"port-forward to {port} works, because it dials localhost inside the pod",
    )


def _finding(
    scene: Scene, pod: Pod, port: int, evidence: list[Evidence], certainty: Certainty, bound: str, owner: str = ""
) -> Finding:
    address = bound.rsplit(":", 1)[0] if ":" in bound else bound
    return Finding(
        where=f"port {port} of pod/{pod.metadata.name}",
        says=f"{owner or 'the process'} is on {bound} only",
        headline=f"the app listens on {address} only",
        certainty=certainty,
        evidence=tuple(evidence),
        fix=bind_everywhere(scene, pod, port),
    )
