"""The container runs, and no server listens in it.

Why it refuses:
    Its main process runs without a server: still starting, stuck, or never meant to listen. The container's
    kernel answers RST to what the engine sends it; on localhost docker-proxy accepts first, and closes.
Confirm:
    docker top NAME
    docker logs --tail 20 NAME
Fix:
    Start the server, or mend what its log tells.
See:
    https://docs.docker.com/reference/cli/docker/container/logs/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import CONTAINER_LISTENERS, CONTAINER_LOG
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import network_mode, started_before
from kubectl_refused.trace.engine_proofs import failed_ways, said, way_packets
from kubectl_refused.trace.engine_sockets import listeners, sockets_told

STARTING = 30.0  # seconds after which a server that is not there is hardly still starting


@cause(
    "KR623",
    scope=Scope.CONTAINER,
    reads={CONTAINER_LISTENERS, CONTAINER_LOG},
    produces=(Symptom.RST, Symptom.RESET, Symptom.NO_LISTENER),
    since="0.2",
)
def no_listener_in_container(scene: Scene) -> Iterator[Finding]:
    """Yield when dials fail and the container has no listener of its own."""
    container, port = scene.container, scene.published
    if container is None or network_mode(container) == "host" or not failed_ways(scene):
        return
    if container.state.status != "running":
        return
    found = listeners(scene, container)
    # The engine's own DNS server listens on 127.0.0.11 in every container of a network of one's own.
    if found is None or any(not s.address.startswith("127.0.0.11") for s in found.sockets):
        return
    age = started_before(scene, container)
    young = f", which was started {age:.0f} s ago" if age < STARTING else ""
    yield Finding(
        where=f"port {port.number} of container {container.called}" if port else f"container {container.called}",
        says=f"no server listens in {container.called}{young}",
        headline="the container runs, and no server listens in it",
        evidence=(sockets_told(container, found), *said(scene, container), *way_packets(scene)),
        fix=Fix(summary=f"Start the server in {container.called}, or mend what its log tells"),
    )
