"""The process accepts no connection any more, and answers nobody: it hangs.

Why it refuses:
    The kernel completes handshakes for a listening socket by itself, so a connect succeeds while the process is
    stopped, deadlocked or busy. Connections wait in the accept queue and clients in vain; once the queue is full
    they time out. A dial alone looks healthy: --guess-protocol, or a readiness probe, tells that nobody answers.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp    # state 0A: the number behind the second colon stays above 0
Fix:
    Restart it, and give it a livenessProbe that asks for an answer; then find out where it hangs.
See:
    https://man7.org/linux/man-pages/man2/listen.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.restart import restart
from kubectl_refused.model.evidence import Evidence, Finding
from kubectl_refused.model.facts import EVENTS, HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.silence import count, late_probe, queue_told, queued, silent


@cause(
    "KR416",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LISTENERS, EVENTS, WORKLOAD},
    produces={Symptom.HANGING, Symptom.NOT_READY},
    shows=Symptom.UNACCEPTED,
    since="0.2",
    needs_symptom=True,
)
def process_hung(scene: Scene) -> Iterator[Finding]:
    """Yield when an app that said nothing leaves connections, or their bytes, lying for a second."""
    for view in silent(scene):
        pod, handshake = view.pod, view.dialled
        if pod is None or handshake is None:
            continue
        found = queued(view, pod, handshake)
        if found is not None:
            listeners, socket = found
            says = f"{count(socket.waiting or 0)} to be accepted on port {socket.port}"
            yield _finding(view, pod, handshake, socket.owner, says, queue_told(pod, listeners, socket))
            continue
        listeners_read = scene.maybe(LISTENERS, pod_key(pod))
        unread = listeners_read.unread.count(handshake.port) if listeners_read else 0
        if listeners_read is not None and unread:
            owner = next((s.owner for s in listeners_read.sockets if s.port == handshake.port), "")
            says = f"it reads nothing on {unread} of its connections to port {handshake.port}"
            yield _finding(view, pod, handshake, owner, says, sockets(pod, listeners_read))


def _finding(scene: Scene, pod: Pod, handshake: Handshake, owner: str, says: str, proof: Evidence) -> Finding:
    process = owner or "the process"
    late = () if scene.ready_endpoints else late_probe(scene, pod)
    return Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{process} hangs: {says}",
        headline="the app hangs: the kernel accepts for it, and it answers nobody",
        evidence=(proof, packet(scene, handshake), *late),
        fix=restart(
            scene, pod, "Restart the app, which hangs, and give it a livenessProbe that asks for an answer"
        ),
    )
