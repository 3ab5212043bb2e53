"""The container has just started, counts as ready, and does not listen yet.

Why it refuses:
    Without a readinessProbe a container is ready as soon as it runs. Its server needs a while until it listens; in
    the meantime the kernel answers RST to every connection that the Service already sends there: at each rollout,
    restart and scale-up again.
Confirm:
    kubectl get pod POD -o jsonpath='{.spec.containers[*].readinessProbe}'    # nothing; and a while later it works
Fix:
    Give the container a readinessProbe.
See:
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import container_change
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.candidate_ports import app_ports
from kubectl_refused.trace.containers import containers, declares
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.runtimes import app_container, app_sockets
from kubectl_refused.trace.statuses import Reported, reported, seconds

# Seconds in which a server may still be starting.
YOUNG = 30.0


@cause(
    "KR409",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.RST, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def still_starting(scene: Scene) -> Iterator[Finding]:
    """Yield, as likely, when nothing listens in a young container that never ended and has no readinessProbe."""
    refused, pod = scene.dialled, scene.pod
    if refused is None or pod is None or refused.outcome is not Outcome.REFUSED or pod.spec.host_network:
        return
    young = _youngest(scene, pod, refused.port)
    if young is None or any(c.readiness_probe for c in containers(pod)):
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    mine = [s.port for s in app_sockets(pod, listeners.sockets)]
    if refused.port in mine or app_ports(pod, mine):
        return
    container, age = young
    subject, name = f"pod/{pod.metadata.name}", container.status.name
    since = f"container {name} runs for {age:.0f} s"
    yield Finding(
        where=subject,
        says=f"{since} and counts as ready; nothing listens on {refused.port} yet",
        headline=f"container {name} has just started, and counts as ready before it listens",
        # It may also never listen: only a later look tells.
        certainty=Certainty.LIKELY,
        evidence=(
            field(scene, subject, f"{container.field}.state.running.startedAt", None, since),
            field(
                scene, subject, "spec.containers[].readinessProbe", None, f"container {name} has no readinessProbe"
            ),
            sockets(pod, listeners),
            packet(scene, refused),
        ),
        fix=container_change(
            scene,
            pod,
            name,
            f"Give it a readinessProbe of port {refused.port}",
            {"readinessProbe": {"tcpSocket": {"port": refused.port}, "periodSeconds": 2}},
        ),
    )


def _youngest(scene: Scene, pod: Pod, port: int) -> tuple[Reported, float] | None:
    """The container that serves the port, as far as can be told, and its age in seconds, where it is young."""
    wanted = declares(pod, port) or app_container(pod)
    for container in [r for r in reported(pod) if not r.init and r.last_exit is None and r.status.state.running]:
        running = container.status.state.running
        started = seconds(running.started_at) if running else None
        if started is None or wanted != container.status.name:
            continue
        age = scene.snapshot.taken - started
        return (container, max(age, 0.0)) if age < YOUNG else None
    return None
