"""The container runs, and nothing of its app listens on TCP.

Why it refuses:
    Process 1 lives (a shell, a supervisor, a sleep), the server is not up: it died, was never started, is
    still starting, or serves a UNIX socket. No socket takes the SYN, so the kernel answers RST. Without a
    readinessProbe the pod counts as ready all the same. A metrics or health port of its own is not the app.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/tcp6    # no line in state 0A
Fix:
    Start the server (its log says why it did not), and give the container a readinessProbe.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#are-the-pods-working
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, LOG, SEARCH, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.candidate_ports import app_ports, called
from kubectl_refused.trace.containers import declares
from kubectl_refused.trace.localhost import searched
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.runtimes import app_container, app_sockets, sandbox_of
from kubectl_refused.trace.statuses import reported, seconds

# Seconds in which a server may still be starting: what is true now need not be in a moment.
YOUNG = 30.0


@cause(
    "KR408",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, FORWARD, SEARCH, LOG, WORKLOAD},
    produces=Symptom.RST,
    shows=Symptom.NO_LISTENER,
    since="0.1",
    needs_symptom=True,
)
def nothing_listens(scene: Scene) -> Iterator[Finding]:
    """Yield when the pod's network namespace has no listening socket of the app's; by a search it is likely."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.REFUSED:
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        yield from _by_search(scene, pod, handshake)
        return
    if pod.spec.host_network and not any(s.pid for s in listeners.sockets):
        return  # the node's listeners, and nobody could see whose they are
    mine = [s.port for s in app_sockets(pod, listeners.sockets)]
    if handshake.port in mine or app_ports(pod, mine):
        return
    certainty = Certainty.LIKELY if pod.spec.host_network or sandbox_of(pod) == "gVisor" else Certainty.PROVED
    # A mesh's proxy, or the node's processes, stand among the sockets that the proof shows.
    says = "nothing of the app's listens on TCP" if listeners.sockets else "no process listens on any TCP port"
    yield _finding(scene, pod, handshake, mine, says, sockets(pod, listeners), certainty)


def _by_search(scene: Scene, pod: Pod, refused: Handshake) -> Iterator[Finding]:
    """No port that is worth a dial accepts at localhost either."""
    search = searched(scene, pod, refused)
    if search is None or app_ports(pod, search.accepted):
        return
    says = f"{len(search.tried)} other ports were tried by port-forward; none of the app's accepts"
    witness = WitnessEvidence(witness="port-forward", subject=f"pod/{pod.metadata.name}", says=says)
    tried = f"inside the pod neither it nor any of {len(search.tried)} other ports accepts"
    yield _finding(scene, pod, refused, search.accepted, tried, witness, Certainty.LIKELY)


def _finding(
    scene: Scene,
    pod: Pod,
    refused: Handshake,
    left: Iterable[int],
    nowhere: str,
    proof: Evidence,
    certainty: Certainty,
) -> Finding:
    """`left` are the ports that are open all the same, `nowhere` says what was seen where there is none."""
    kind, metadata, _ = workload_of(scene, pod)
    name = declares(pod, refused.port) or app_container(pod)
    age = _age(scene, name)
    since = f", for {age:.0f} s" if age is not None and age < YOUNG else ""
    says = f"container {name} is running{since}"
    running = field(scene, f"pod/{pod.metadata.name}", "status.phase", "Running", says)
    others = ", ".join(called(pod, p) for p in list(left)[:4])
    return Finding(
        where=f"pod/{pod.metadata.name}",
        says=f"port {refused.port} is dialled; "
        + (f"no process listens on it, only on {others}" if others else nowhere),
        headline="the container has just started, and nothing listens in it yet"
        if since
        else f"the container runs, but nothing listens in it{f' besides {others}' if others else ''}",
        certainty=Certainty.LIKELY if since else certainty,
        evidence=(proof, packet(scene, refused), running),
        fix=Fix(
            summary=f"Make container {name} serve port {refused.port}, and give it a readinessProbe",
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
