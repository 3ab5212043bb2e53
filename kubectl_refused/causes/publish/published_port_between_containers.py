"""A container dials the port that is published on the host.

Why it refuses:
    A published port exists on the host's addresses only. Between containers of one network nothing is
    translated: the name leads to the other container itself, which listens on its own port and answers RST at
    any other.
Confirm:
    docker port NAME    # 8080/tcp -> 0.0.0.0:18080: containers dial 8080
Fix:
    Dial the container's own port from other containers.
See:
    https://docs.docker.com/compose/how-tos/networking/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer, PublishedPort
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.engine_proofs import dead, failed_ways, inspected, way_packets
from kubectl_refused.trace.mentions import clients, mentions, names_of


@cause("KR602", scope=Scope.CONTAINER, reads={HANDSHAKE}, produces=(Symptom.RST, Symptom.NO_LISTENER), since="0.2")
def published_port_between_containers(scene: Scene) -> Iterator[Finding]:
    """Yield when a client in another container was refused at a port that only the host has."""
    container, port, asked = scene.container, scene.published, scene.target.port
    if container is None or port is None or dead(scene):
        return
    if scene.from_files:
        yield from _told(scene, container, port)
        return
    if asked is None or client_in(scene) is None or not _is_hosts(port, int(asked)):
        return
    tried = [scene.maybe(HANDSHAKE, dial) for dial in scene.ways]
    if any(tried) and not failed_ways(scene):
        return
    certainty = Certainty.PROVED if failed_ways(scene) else Certainty.LIKELY
    yield _finding(scene, container, port, int(asked), way_packets(scene), certainty)


def _told(scene: Scene, container: EngineContainer, port: PublishedPort) -> Iterator[Finding]:
    """What others of the file are told to dial."""
    for client in clients(scene):
        for one in mentions(client):
            if one.host in names_of(container) and _is_hosts(port, one.port):
                proof = inspected(scene, client, f"Config.Env.{one.where}", one.host, f"{one}, in {client.called}")
                yield _finding(scene, container, port, one.port, [proof], Certainty.LIKELY)
                return


def _is_hosts(port: PublishedPort, number: int) -> bool:
    """Whether the host alone has that port: no container listens there."""
    return number != port.number and any(number == own for _, own in port.places)


def _finding(
    scene: Scene,
    container: EngineContainer,
    port: PublishedPort,
    asked: int,
    more: Sequence[Evidence],
    certainty: Certainty,
) -> Finding:
    told = f"port {asked} of the host leads to port {port.number} of {container.called}"
    return Finding(
        where=f"container {container.called}",
        says=f"{told}, and containers reach {container.called} itself, at {port.number}",
        headline=f"{asked} is published on the host; between containers it is port {port.number}",
        certainty=certainty,
        evidence=(inspected(scene, container, f"NetworkSettings.Ports.{port}", asked, told), *more),
        fix=Fix(summary=f"Dial {container.called}:{port.number} from other containers"),
    )
