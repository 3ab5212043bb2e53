"""The server's accept queue is full, and connections are turned away in silence.

Why it refuses:
    Connections that the kernel completed wait in the listener's queue until the process accepts them. Where it
    does not come to it, and as many wait as listen(2) was told (at most net.core.somaxconn), the kernel drops
    further SYNs without a word: clients time out. TcpExt ListenOverflows counts each of them.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/netstat    # state 0A with a queue above 0; ListenOverflows
Fix:
    Let the server accept (it may hang, or have too few workers), or give it a longer backlog, or more replicas.
See:
    https://man7.org/linux/man-pages/man2/listen.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.restart import restart
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.silence import count, queue_told, queued


@cause(
    "KR415",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.SILENCE, Symptom.HANGING},
    shows=Symptom.UNACCEPTED,
    since="0.2",
    needs_symptom=True,
)
def accept_queue_full(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial times out where connections wait to be accepted; the count of overflows proves it."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.TIMEOUT:
        return
    found = queued(scene, pod, handshake)
    if found is None:
        return
    listeners, socket = found
    evidence: list[Evidence] = [queue_told(pod, listeners, socket), packet(scene, handshake)]
    if listeners.overflows:
        says = f"TcpExt ListenOverflows is {listeners.overflows}: so many connections found a full queue"
        evidence.append(WitnessEvidence(witness=listeners.witness, subject=f"pod/{pod.metadata.name}", says=says))
    waiting = count(socket.waiting or 0)
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{waiting} to be accepted by {socket.owner or 'the process'} on {socket.shown}",
        headline=f"the app's accept queue is full: {waiting}, and it accepts none",
        certainty=Certainty.PROVED if listeners.overflows else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=restart(scene, pod, "Restart the app if it hangs; else give it more workers, or a longer backlog"),
    )
