"""How sure it is that a container is down, or comes and goes, because it exits. Pure."""

from __future__ import annotations

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import LISTENERS
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key

from .statuses import Reported, seconds

# The kubelet forgets earlier exits of a container that has run for this long (seconds).
RESET = 600.0
_BACK_OFF = ("CrashLoopBackOff", "RunContainerError")


def down(scene: Scene, container: Reported) -> Certainty | None:
    """Proved while the container is down; between two exits likely, or proved where nothing listens yet.

    None for one that never ended, or that ended well. Raises Undecided while its endpoint was not dialled.
    """
    status, ended = container.status, container.last_exit
    if status.state.waiting and status.state.waiting.reason in _BACK_OFF:
        return Certainty.PROVED
    if ended is None or (ended.exit_code == 0 and (container.init or not status.restart_count)):
        return None
    if status.state.terminated:
        return Certainty.PROVED
    if container.init or not status.restart_count:
        return None
    if not status.ready:
        return Certainty.LIKELY
    return _between_exits(scene, container)


def _between_exits(scene: Scene, container: Reported) -> Certainty | None:
    """A container without a readiness probe is ready whenever it runs: its endpoint comes and goes."""
    status = container.status
    started = seconds(status.state.running.started_at) if status.state.running else None
    if status.restart_count < 2 or started is None or scene.snapshot.taken - started > RESET:
        return None
    handshake = scene.dialled
    if handshake is None or handshake.outcome is not Outcome.REFUSED or scene.pod is None:
        return None
    listeners = scene.maybe(LISTENERS, pod_key(scene.pod))
    return Certainty.LIKELY if listeners is None or listeners.sockets else Certainty.PROVED
