"""The port is published for UDP, and TCP is dialled.

Why it refuses:
    A published port has a protocol, tcp where none is written. -p 53:53/udp leads datagrams into the container
    and no connection; on the host nobody takes TCP there, so its kernel answers RST.
Confirm:
    docker port NAME    # 53/udp -> 0.0.0.0:53
Fix:
    Publish the port for tcp, or for both: -p 53:53/udp -p 53:53/tcp.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LISTENERS
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.engine_proofs import dead, inspected
from kubectl_refused.trace.engine_sockets import listeners, sockets_told


@cause("KR604", scope=Scope.CONTAINER, reads={CONTAINER_LISTENERS}, produces=Symptom.RST, since="0.2")
def port_published_as_udp(scene: Scene) -> Iterator[Finding]:
    """Yield when the port is published for UDP only; proved where the app takes TCP on it and no UDP."""
    container, port = scene.container, scene.published
    if container is None or port is None or port.protocol != "udp" or not port.places or dead(scene):
        return
    found = None if scene.from_files else listeners(scene, container)
    if found is None and scene.target.port is None:
        return  # a name server may well speak UDP alone
    if found is not None and not _takes_tcp_only(found, port.number):
        return
    says = f"port {port.number} is published as {port}, and no connection gets in"
    places = [place(host, number) for host, number in port.places]
    evidence: list[Evidence] = [
        inspected(scene, container, f"NetworkSettings.Ports.{port}", places, f"{places[0]} leads to {port}")
    ]
    evidence += [sockets_told(container, found)] if found else []
    host_port = port.places[0][1]
    yield Finding(
        where=f"container {container.called}",
        says=says,
        headline=f"port {port.number} is published for UDP, and the app takes TCP",
        certainty=Certainty.PROVED if found else Certainty.POSSIBLE,
        evidence=tuple(evidence),
        fix=Fix(summary=f"Create {container.called} anew with -p {host_port}:{port.number}/tcp"),
    )


def _takes_tcp_only(found: Listeners, port: int) -> bool:
    return any(s.port == port for s in found.sockets) and not any(s.port == port for s in found.udp)
