"""The host's port is taken already, so the container was not started.

Why it refuses:
    A port of the host can be published for one container only, and not at all while a program of the host
    listens on it. The engine creates the container and does not start it; whoever accepts there is somebody
    else.
Confirm:
    docker inspect -f '{{.State.Error}}' NAME
Fix:
    End what holds the port, or publish another one.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Evidence, Finding, Fix, NearestEvidence
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.engine_objects import ports_of, publishes
from kubectl_refused.trace.engine_proofs import inspected

_TAKEN = lazily(r"port is already allocated|address already in use|ports are not available", re.IGNORECASE)
_PORT = lazily(r":(\d{1,5})(?!\d)")


@cause("KR608", scope=Scope.CONTAINER, produces=(Symptom.RST, Symptom.CRASH), since="0.2")
def host_port_taken(scene: Scene) -> Iterator[Finding]:
    """Yield when the engine says so, with the container that has the port where there is one."""
    container = scene.container
    if container is not None and scene.from_files:
        yield from _promised(scene, container)
    if container is None or not _TAKEN.search(container.state.error):
        return
    error = one_line(container.state.error.rpartition("Bind for ")[2] or container.state.error)
    numbers = [int(n) for n in _PORT.findall(error)]
    port = next(iter(numbers), None)
    holders = [c for c in scene.snapshot.containers() if c is not container and port and publishes(c, port)]
    evidence: list[Evidence] = [
        inspected(scene, container, "State.Error", error, f"the engine says: {error}"),
    ]
    if holders:
        told = f"container {holders[0].called} publishes port {port}"
        evidence.append(NearestEvidence(witness="engine", subject=f"container/{holders[0].called}", says=told))
    who = f"container {holders[0].called}" if holders else "a program of the host"
    yield Finding(
        where=f"container {container.called}",
        says=f"{container.called} was not started: {f'port {port}' if port else 'its port'} is taken by {who}",
        headline=f"port {port} of the host is taken already" if port else "a port of the host is taken already",
        evidence=tuple(evidence),
        fix=Fix(summary=f"Stop {who}, or publish another port, and start {container.called}"),
    )


def _promised(scene: Scene, container: EngineContainer) -> Iterator[Finding]:
    """Two services of a file that publish one port of one address: the second will not start."""
    port = scene.published
    if port is None:
        return
    for other in scene.snapshot.containers():
        both = [number for host, number in port.places for p in ports_of(other) if p.protocol == port.protocol
                for address, wanted in p.places if wanted == number and _overlap(host, address)]  # fmt: skip
        if other is container or not both:
            continue
        says = f"{container.called} and {other.called} both publish port {both[0]} of the host"
        yield Finding(
            where=f"container {container.called}",
            says=says,
            headline=f"port {both[0]} of the host is published twice, for {other.called} as well",
            evidence=(inspected(scene, container, "ports", str(both[0]), says),),
            fix=Fix(summary=f"Publish another port for {container.called} or {other.called}"),
        )
        return


def _overlap(one: str, other: str) -> bool:
    return one == other or bool({one, other} & {"", "0.0.0.0", "::"})
