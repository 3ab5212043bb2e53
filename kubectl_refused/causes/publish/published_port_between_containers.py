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

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.engine_proofs import dead, failed_ways, inspected, way_packets


@cause("KR602", scope=Scope.CONTAINER, reads={HANDSHAKE}, produces=(Symptom.RST, Symptom.NO_LISTENER), since="0.2")
def published_port_between_containers(scene: Scene) -> Iterator[Finding]:
    """Yield when a client in another container was refused at a port that only the host has."""
    container, port, asked = scene.container, scene.published, scene.target.port
    if container is None or port is None or asked is None or client_in(scene) is None or dead(scene):
        return
    if int(asked) == port.number or all(number != int(asked) for _, number in port.places):
        return
    tried = [scene.maybe(HANDSHAKE, dial) for dial in scene.ways]
    if any(tried) and not failed_ways(scene):
        return
    told = f"port {asked} of the host leads to port {port.number} of {container.called}"
    yield Finding(
        where=f"container {container.called}",
        says=f"{told}, and containers reach {container.called} itself, at {port.number}",
        headline=f"{asked} is published on the host; between containers it is port {port.number}",
        certainty=Certainty.PROVED if failed_ways(scene) else Certainty.LIKELY,
        evidence=(
            inspected(scene, container, f"NetworkSettings.Ports.{port}", int(asked), told),
            *way_packets(scene),
        ),
        fix=Fix(summary=f"Dial {container.called}:{port.number} from other containers"),
    )
