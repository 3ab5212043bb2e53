"""Where a server of a pod failed to bind its port, as the logs and the sockets tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from kubectl_refused.model.evidence import Certainty, Evidence
from kubectl_refused.model.facts import LISTENERS
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key

from .containers import containers, resolve_target_port, said_listeners
from .log_reasons import BindFailure
from .proofs import packet, sockets
from .sockets import Standing, standing
from .statuses import Reported, reported
from .testimonies import log_lines, log_said

# Containers whose logs are read; a pod of more is rare, and a log is a request each.
MOST_CONTAINERS = 4


class Failed(Struct, frozen=True):
    """A server that could not bind. `port` is 0 where neither its log nor its spec names one."""

    container: str
    failure: BindFailure
    port: int
    certainty: Certainty
    evidence: tuple[Evidence, ...]


def failed_binds(scene: Scene, pod: Pod, find: Callable[[Sequence[str]], BindFailure | None]) -> Iterator[Failed]:
    """Servers that are down, or run without a listener, and whose log `find` finds a failure in."""
    for container in [r for r in reported(pod) if not r.init or r.status.started][:MOST_CONTAINERS]:
        if container.last_exit is not None and not container.status.ready:
            yield from _of_ended(scene, pod, container, find)
        elif container.status.state.running and scene.endpoint is not None:
            yield from _of_running(scene, pod, container, find)


def wanted_by(pod: Pod) -> dict[int, list[str]]:
    """Which containers want each TCP port, by containerPort or by a flag of their command line."""
    wanted: dict[int, list[str]] = {}
    for container in containers(pod):
        ports = [p.container_port for p in container.ports or () if p.protocol == "TCP"]
        ports += [port for _, port in said_listeners(container)]
        for port in dict.fromkeys(ports):
            wanted.setdefault(port, []).append(container.name)
    return wanted


def _of_ended(
    scene: Scene, pod: Pod, container: Reported, find: Callable[[Sequence[str]], BindFailure | None]
) -> Iterator[Failed]:
    """A container that exits: what it said before it ended proves why. One that is up again may yet make it."""
    name = container.status.name
    certainty = Certainty.LIKELY if container.status.state.running else Certainty.PROVED
    for previous in (True, False) if container.status.restart_count else (False,):
        failure = find(log_lines(scene, pod, name, previous=previous))
        if failure:
            said = log_said(pod, name, failure.line, previous=previous)
            yield Failed(name, failure, _port(scene, pod, name, failure), certainty, (said,))
            return


def _of_running(
    scene: Scene, pod: Pod, container: Reported, find: Callable[[Sequence[str]], BindFailure | None]
) -> Iterator[Failed]:
    """A container that runs on without its server: the log says so, and the aimed port must be shut."""
    handshake, name = scene.dialled, container.status.name
    if handshake is None or handshake.outcome is not Outcome.REFUSED:
        return
    failure = find(log_lines(scene, pod, name, previous=False))
    if failure is None:
        return
    aimed = handshake.port
    evidence: list[Evidence] = [log_said(pod, name, failure.line, previous=False), packet(scene, handshake)]
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    certainty = Certainty.LIKELY
    if listeners is not None:
        if standing(listeners.sockets, handshake.host, aimed) is not Standing.ABSENT:
            return
        evidence.insert(1, sockets(pod, listeners))
        if aimed in failure.ports or not (failure.ports or listeners.sockets):
            certainty = Certainty.PROVED
    yield Failed(name, failure, _port(scene, pod, name, failure), certainty, tuple(evidence))


def _port(scene: Scene, pod: Pod, container: str, failure: BindFailure) -> int:
    """The port it wanted: of those named the aimed one, else the last named, else what its spec says."""
    aimed = resolve_target_port(pod, scene.port) if scene.port else None
    if failure.ports:
        return aimed if aimed in failure.ports else failure.ports[-1]
    wanted = [port for port, names in wanted_by(pod).items() if container in names]
    return aimed if aimed and (aimed in wanted or not wanted) else (wanted or [0])[0]
