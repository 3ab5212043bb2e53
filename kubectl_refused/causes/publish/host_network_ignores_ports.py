"""The container is on the host's network, where published ports are ignored.

Why it refuses:
    With --network host the container has no network of its own, and its server listens on the host directly, at
    its own port. -p is discarded with a warning: nobody listens at the port it names.
Confirm:
    docker inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.PortBindings}}' NAME
Fix:
    Dial the port that the app itself listens on, or give the container a network and publish the port there.
See:
    https://docs.docker.com/engine/network/drivers/host/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import network_mode
from kubectl_refused.trace.engine_proofs import dead, failed_ways, inspected, way_packets


@cause("KR605", scope=Scope.CONTAINER, reads={HANDSHAKE}, produces=Symptom.RST, since="0.2")
def host_network_ignores_ports(scene: Scene) -> Iterator[Finding]:
    """Yield when a port was to be published that differs from the container's own; likely before it is dialled."""
    container, port = scene.container, scene.published
    if container is None or port is None or network_mode(container) != "host" or dead(scene):
        return
    others = [number for _, number in port.places if number != port.number]
    known = scene.from_files or all(scene.maybe(HANDSHAKE, dial) is None for dial in scene.ways)
    if not others or not (known or failed_ways(scene)):
        return
    name = container.called
    says = f"{name} is on the host's network, so port {others[0]} is not published"
    told = f"its network is the host's, and -p {others[0]}:{port.number} is ignored"
    yield Finding(
        where=f"container {name}",
        says=says,
        headline="the container is on the host's network, where published ports are ignored",
        certainty=Certainty.LIKELY if known else Certainty.PROVED,
        evidence=(inspected(scene, container, "HostConfig.NetworkMode", "host", told), *way_packets(scene)),
        fix=Fix(summary=f"Dial port {port.number} of the host, or create {name} anew without --network host"),
    )
