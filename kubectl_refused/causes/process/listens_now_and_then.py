"""The app listens now and then: some dials are accepted, others refused.

Why it refuses:
    A listening socket that is closed and opened again leaves moments in which the kernel answers RST: a server
    that ends after each connection and is started again (nc -l in a loop), one that restarts or reloads without
    handing its socket on, two processes that take turns. A single look, at the sockets or by a dial, meets either.
Confirm:
    for i in 1 2 3 4 5 6 7 8; do nc -z -w 1 POD_IP PORT && echo open || echo closed; sleep 0.3; done
Fix:
    Keep one listening socket open for as long as the container runs, and hand it on where the server is replaced.
See:
    https://man7.org/linux/man-pages/man2/listen.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.containers import declares
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.runtimes import app_container
from kubectl_refused.trace.sockets import Standing, standing
from kubectl_refused.trace.statuses import reported


@cause(
    "KR432",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.NO_LISTENER, Symptom.OTHER_PORT, Symptom.RST},
    since="0.2",
    needs_symptom=True,
)
def listens_now_and_then(scene: Scene) -> Iterator[Finding]:
    """Yield when of several dials of an endpoint some were accepted and some refused by RST."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or not handshake.first_hand:
        return
    counts = dict(handshake.heard)
    refused, total = counts.get(Outcome.REFUSED, 0), sum(counts.values())
    if not refused or not counts.get(Outcome.ACCEPTED):
        return
    container = declares(pod, handshake.port) or app_container(pod)
    now, proof = _now(scene, pod, handshake)
    kind, metadata, _ = workload_of(scene, pod)
    failed = f"{refused} of {total} dials were refused"
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{failed}; {now}",
        headline=f"pod/{pod.metadata.name} listens now and then: {failed}",
        # An RST may be another's; with the sockets read, what accepts the other dials is this pod's own.
        certainty=Certainty.PROVED if proof else Certainty.LIKELY,
        evidence=(packet(scene, handshake), *proof, *_restarts(scene, pod, container)),
        fix=Fix(
            summary=f"Have container {container} keep port {handshake.port} open: it closes and opens again",
            owner=named(kind, metadata.name),
        ),
    )


def _now(scene: Scene, pod: Pod, seen: Handshake) -> tuple[str, tuple[Evidence, ...]]:
    """What the sockets say just after the dials."""
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        return "its sockets could not be read", ()
    there = standing(listeners.sockets, seen.host, seen.port) is Standing.OPEN
    return "now it listens" if there else "now nothing listens there", (sockets(pod, listeners),)


def _restarts(scene: Scene, pod: Pod, container: str) -> Iterator[Evidence]:
    """How often the container was started again, which closes its socket too."""
    counts = [r.status.restart_count or 0 for r in reported(pod) if r.status.name == container]
    if counts and counts[0]:
        says = f"container {container} was restarted {counts[0]} time{'s' if counts[0] > 1 else ''}"
        yield field(scene, f"pod/{pod.metadata.name}", "status.containerStatuses", counts[0], says)
