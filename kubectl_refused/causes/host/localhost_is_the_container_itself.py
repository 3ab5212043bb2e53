"""A container dials localhost, where nothing of its own listens.

Why it refuses:
    Each container has a loopback of its own. 127.0.0.1 and ::1 inside it are the container itself, not the host
    and not another container, also where their ports are published. Nothing in it listens on the port, so its
    kernel answers RST.
Confirm:
    docker exec NAME cat /proc/net/tcp
Fix:
    Dial the other container by its name and its own port; the host by host.docker.internal.
See:
    https://docs.docker.com/compose/how-tos/networking/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LISTENERS, HANDSHAKE, EngineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.aliases import is_address
from kubectl_refused.trace.engine_objects import client_in, network_mode, ports_of
from kubectl_refused.trace.engine_sockets import sockets_told
from kubectl_refused.trace.hosts import trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.sockets import Standing, is_loopback, standing


@cause("KR629", scope=Scope.ADDRESS, reads={HANDSHAKE, CONTAINER_LISTENERS}, produces=Symptom.RST, since="0.5")
def localhost_is_the_container_itself(scene: Scene) -> Iterator[Finding]:
    """Yield when a container's own loopback refuses it, and its sockets show that nothing there takes the port."""
    failed, client = trouble(scene), client_in(scene)
    if failed is None or client is None or failed.outcome is not Outcome.REFUSED or network_mode(client) == "host":
        return
    if not is_address(failed.host) or not is_loopback(failed.host):
        return
    found = scene.need(CONTAINER_LISTENERS, EngineKey(client.id))
    if standing(found.sockets, failed.host, failed.port) is Standing.OPEN:
        return
    yield Finding(
        where=f"container {client.called}",
        says=f"{failed.host} in {client.called} is {client.called} itself, where nothing takes {failed.port}",
        headline=f"localhost inside {client.called} is {client.called} itself",
        evidence=(sockets_told(client, found), packet(scene, failed)),
        fix=Fix(summary=_instead(scene, client, failed.port)),
    )


def _instead(scene: Scene, client: EngineContainer, port: int) -> str:
    """Who else has the port: a container by its own number or the one it is published on, else the host."""
    for other in scene.snapshot.containers():
        for own in ports_of(other) if other.id != client.id and other.state.status == "running" else ():
            if port in (own.number, *(number for _, number in own.places)):
                return f"Let {client.called} dial {other.called}:{own.number}, on a network of both"
    return f"Let {client.called} dial the container that is meant, by its name; the host is host.docker.internal"
