"""The container runs, and nothing in the pod listens on TCP.

Why it refuses:
    Process 1 lives (a shell, a supervisor, a sleep), the server is not up: it died, was never started, is
    still starting, or serves a UNIX socket. No socket takes the SYN, so the kernel answers RST. Without a
    readinessProbe the pod counts as ready all the same.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/tcp6    # no line in state 0A
Fix:
    Start the server (its log says why it did not), and give the container a readinessProbe.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#are-the-pods-working
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.statuses import reported, seconds

# Seconds in which a server may still be starting: what is true now need not be in a moment.
YOUNG = 30.0


@cause(
    "KR408",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces=Symptom.RST,
    shows=Symptom.NO_LISTENER,
    since="0.1",
)
def nothing_listens(scene: Scene) -> Iterator[Finding]:
    """Yield when the pod's network namespace has no listening TCP socket at all."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.REFUSED:
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    if listeners.sockets:
        return
    kind, metadata, _ = workload_of(scene, pod)
    main = next(iter(containers(pod)), None)
    name = main.name if main else ""
    age = _age(scene, name)
    since = f", for {age:.0f} s" if age is not None and age < YOUNG else ""
    says = f"container {name} is running{since}"
    running = field(scene, f"pod/{pod.metadata.name}", "status.phase", "Running", says)
    yield Finding(
        where=f"pod/{pod.metadata.name}",
        says=f"port {handshake.port} is dialled; no process listens on any TCP port",
        headline="the container has just started, and nothing listens in it yet"
        if since
        else "the container runs, but nothing listens in it",
        certainty=Certainty.LIKELY if since else Certainty.PROVED,
        evidence=(sockets(pod, listeners), packet(scene, handshake), running),
        fix=Fix(
            summary=f"Make container {name} serve port {handshake.port}, and give it a readinessProbe",
            owner=named(kind, metadata.name),
        ),
    )


def _age(scene: Scene, container: str) -> float | None:
    """Seconds since the container started, when the objects were read; None where nobody says."""
    if scene.pod is None:
        return None
    states = (r.status.state.running for r in reported(scene.pod) if r.status.name == container)
    started = next((seconds(state.started_at) for state in states if state), None)
    return None if started is None else scene.snapshot.taken - started
