"""The app in the container listens on loopback only.

Why it refuses:
    The container has a loopback of its own, which nothing outside of it reaches. The engine sends connections
    to the container's address, where nobody listens: through the host's own address (DNAT) its kernel answers
    RST, and through localhost docker-proxy accepts first, is refused itself, and closes: a reset or an empty
    reply.
Confirm:
    docker exec NAME cat /proc/net/tcp    # 0100007F:PORT in state 0A
Fix:
    Bind the server to 0.0.0.0, or to [::] for both families.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LISTENERS
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import network_mode
from kubectl_refused.trace.engine_proofs import failed_ways, way_packets
from kubectl_refused.trace.engine_sockets import listeners, sockets_told
from kubectl_refused.trace.sockets import is_loopback, shown


@cause(
    "KR621",
    scope=Scope.CONTAINER,
    reads={CONTAINER_LISTENERS},
    produces=(Symptom.RST, Symptom.RESET, Symptom.NO_LISTENER),
    since="0.2",
)
def container_listens_on_loopback(scene: Scene) -> Iterator[Finding]:
    """Yield when dials fail and the port's only sockets are on the container's loopback."""
    container, port = scene.container, scene.published
    if container is None or port is None or network_mode(container) == "host" or not failed_ways(scene):
        return
    if container.state.status != "running":
        return
    found = listeners(scene, container)
    here = [s for s in found.sockets if s.port == port.number] if found else []
    if found is None or not here or not all(is_loopback(s.address) for s in here):
        return
    owner = here[0].owner or "the process"
    yield Finding(
        where=f"port {port.number} of container {container.called}",
        says=f"{owner} is on {shown(here)} only",
        headline=f"the app listens on {here[0].address} of the container only",
        evidence=(sockets_told(container, found), *way_packets(scene)),
        fix=Fix(summary=f"Let the server in {container.called} listen on 0.0.0.0:{port.number}"),
    )
