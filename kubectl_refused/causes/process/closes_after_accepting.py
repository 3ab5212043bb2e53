"""The app accepts the connection, and closes it at once.

Why it refuses:
    The handshake is the kernel's, so a dial succeeds; then the process closes the connection, or resets it, before
    the client has sent a byte. Servers do so with clients that are not on their allow list, beyond their limit of
    connections, or when a handler dies; and a listener that serves one connection only (nc -l without a program)
    ends with its input. One that waits for something first (TLS, a PROXY protocol header) closes later than this.
Confirm:
    kubectl logs POD -c CONTAINER --tail=20    # just after a dial
Fix:
    Let the server keep the connection: its log, allow list and connection limit say why it does not.
See:
    https://man7.org/linux/man-pages/man2/accept.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, LOG, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.containers import declares
from kubectl_refused.trace.log_reasons import turned_away
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.runtimes import app_container, app_sockets
from kubectl_refused.trace.sockets import takes
from kubectl_refused.trace.testimonies import log_lines, log_said
from kubectl_refused.trace.veils import says_nothing

# The agent's words (probe_agent.py): how long the connection lived.
_LIVED = lazily(r"(closed|reset) (after \d{1,4} ms|at once)")


@cause(
    "KR431",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, LOG, WORKLOAD},
    produces=Symptom.RESET,
    shows=Symptom.RESET,
    since="0.2",
    needs_symptom=True,
)
def closes_after_accepting(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial of an endpoint was accepted and closed before a byte was sent, and no proxy did that."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or handshake.outcome is not Outcome.RESET or not handshake.first_hand:
        return
    if pod is None or says_nothing(scene, pod, handshake):
        return
    container = declares(pod, handshake.port) or app_container(pod)
    owner, proof = _listener(scene, pod, handshake)
    line = turned_away(log_lines(scene, pod, container, previous=False), handshake.source)
    told = (log_said(pod, container, line, previous=False),) if line else ()
    kind, metadata, _ = workload_of(scene, pod)
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{owner or f'container {container}'} {_closes(handshake)}",
        headline=f"{owner or 'the app'} turns the client away",
        # That it does is seen; whether this is the fault, or its way with clients that say nothing, is not.
        certainty=Certainty.LIKELY,
        evidence=(packet(scene, handshake), *proof, *told),
        fix=Fix(
            summary=f"Have container {container} keep the connection: an allow list, a limit of connections or a"
            " handler that dies may close it",
            owner=named(kind, metadata.name),
        ),
    )


def _closes(seen: Handshake) -> str:
    """`closes it after 3 ms, before any byte was sent`; how many of several dials, where not all ended so."""
    lived = _LIVED.search(seen.detail)
    after = lived[2].replace("after 0 ms", "within a millisecond") if lived else "at once"
    how = f"{'resets' if lived and lived[1] == 'reset' else 'closes'} it {after}"
    counts = dict(seen.heard)
    total = sum(counts.values())
    often = f", {counts[Outcome.RESET]} of {total} times" if total > counts.get(Outcome.RESET, total) > 0 else ""
    return f"{how}, before any byte was sent{often}"


def _listener(scene: Scene, pod: Pod, seen: Handshake) -> tuple[str, tuple[Evidence, ...]]:
    """Who has the port open, and the proof of it; neither where the sockets cannot be read."""
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        return "", ()
    mine = (s for s in app_sockets(pod, listeners.sockets) if s.port == seen.port and takes(s, seen.host))
    return next((s.owner for s in mine if s.owner), ""), (sockets(pod, listeners),)
