"""The port is published to one of the container's on which nobody listens.

Why it refuses:
    -p HOSTPORT:PORT leads to PORT of the container, whatever listens there. The app is on another port: the
    host's own address is refused by the container's kernel, and on localhost docker-proxy accepts, is refused
    itself, and closes.
Confirm:
    docker port NAME
    docker exec NAME cat /proc/net/tcp
Fix:
    Publish to the port that the app listens on.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LISTENERS
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import network_mode, ports_of
from kubectl_refused.trace.engine_proofs import failed_ways, way_packets
from kubectl_refused.trace.engine_sockets import listeners, sockets_told
from kubectl_refused.trace.sockets import is_loopback, likeliest_port, shown


@cause(
    "KR622",
    scope=Scope.CONTAINER,
    reads={CONTAINER_LISTENERS},
    produces=(Symptom.RST, Symptom.RESET, Symptom.NO_LISTENER),
    since="0.2",
)
def published_to_wrong_port(scene: Scene) -> Iterator[Finding]:
    """Yield when dials fail, nobody listens on the container's port, and somebody does on another one."""
    container, port = scene.container, scene.published
    if container is None or port is None or network_mode(container) == "host" or not failed_ways(scene):
        return
    if container.state.status != "running":
        return
    found = listeners(scene, container)
    if found is None or any(s.port == port.number for s in found.sockets):
        return
    # The engine's own DNS server listens on 127.0.0.11 in every container of a network of one's own.
    others = [s for s in found.sockets if not s.address.startswith("127.0.0.11")]
    meant = likeliest_port((s.port for s in others), (p.number for p in ports_of(container)))
    if meant is None:
        return
    mine = [s for s in others if s.port == meant]
    owner = mine[0].owner or "the app"
    only = " of the container only" if all(is_loopback(s.address) for s in mine) else ""
    host_port = next((number for _, number in port.places), meant)
    bind = f", and let it listen on 0.0.0.0:{meant}" if only else ""
    yield Finding(
        where=f"port {port.number} of container {container.called}",
        says=f"nobody listens on port {port.number}; {owner} is on {shown(mine)}{only}",
        headline=f"it leads to port {port.number} of the container, and the app listens on {meant}",
        evidence=(sockets_told(container, found), *way_packets(scene)),
        fix=Fix(summary=f"Create {container.called} anew with -p {host_port}:{meant}{bind}"),
    )
