"""Endpoints whose port is open and whose app does not come to its connections. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.evidence import Evidence, SocketEvidence
from kubectl_refused.model.facts import LISTENERS
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import SAID_NOTHING, Handshake, Listeners, Outcome, Socket
from kubectl_refused.model.scene import Scene, pod_key

from .probing import failing_probes
from .proofs import sockets
from .rulings import suspects, unready
from .runtimes import app_sockets
from .sockets import takes
from .testimonies import event_said, events_saying

# The kubelet's (pkg/probe, Go's net): it connected, or tried to, and nothing came.
_LATE = r"^(?:Readiness|Liveness|Startup) probe failed.*(?:deadline exceeded|i/o timeout|Client\.Timeout|timeout:)"
# Accepted endpoints that are looked into; they are alike.
MOST = 6


def silent(scene: Scene) -> Iterator[Scene]:
    """Endpoints that accepted and said nothing where something had to come: to a question, or to the kubelet's."""
    shown = 0
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        seen = scene.handshake(view.endpoint_dial)
        if endpoint.pod and seen and seen.outcome is Outcome.ACCEPTED and SAID_NOTHING in seen.detail:
            shown += 1
            if shown <= MOST:
                yield view
    if not scene.ready_endpoints:
        for view in unready(scene):
            if view.endpoint and view.pod and any(failing_probes(view.pod)) and late_probe(view, view.pod):
                seen = view.dialled
                if seen and seen.outcome is Outcome.ACCEPTED:
                    yield view


def stalled(scene: Scene) -> Iterator[Scene]:
    """Those, and endpoints whose dial found no answer, or an end right after the accept."""
    yield from silent(scene)
    for view in suspects(scene) if scene.ready_endpoints else unready(scene):
        seen = view.dialled if view.endpoint and view.pod else None
        if seen and seen.outcome in (Outcome.TIMEOUT, Outcome.RESET):
            yield view


def late_probe(scene: Scene, pod: Pod) -> tuple[Evidence, ...]:
    """The kubelet's last word, where a probe of its own got no answer in time."""
    events = events_saying(scene, pod, r"^(?:Readiness|Liveness|Startup) probe failed")
    late = events_saying(scene, pod, _LATE)
    return (event_said(pod, events[-1]),) if late and late[-1] is events[-1] else ()


def queued(scene: Scene, pod: Pod, handshake: Handshake) -> tuple[Listeners, Socket] | None:
    """The pod's sockets, and the one that was dialled, where connections wait at it; None where none is seen."""
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        return None
    mine = (s for s in app_sockets(pod, listeners.sockets) if s.port == handshake.port)
    here = [s for s in mine if takes(s, handshake.host) and s.waiting]
    return (listeners, here[0]) if here else None


def queue_told(pod: Pod, listeners: Listeners, socket: Socket) -> SocketEvidence:
    """The listener, and how many connections wait at it."""
    seen = sockets(pod, Listeners((socket,), listeners.witness))
    return SocketEvidence(
        witness=seen.witness,
        subject=seen.subject,
        says=f"{seen.says}; {count(socket.waiting or 0)} to be accepted, at two looks a second apart",
        listeners=seen.listeners,
        process=seen.process,
    )


def count(waiting: int) -> str:
    """`1 connection waits`, `6 connections wait`."""
    return "1 connection waits" if waiting == 1 else f"{waiting} connections wait"
