"""The port is published on the host's loopback only: other machines are refused.

Why it refuses:
    -p 127.0.0.1:8080:80 listens on 127.0.0.1 of the host. Clients on the host get in; at every other address of
    the host nobody listens, so whoever dials it from another machine, or from a container, gets an RST. Often
    that is meant, so it is told as a note where the published address itself works.
Confirm:
    docker port NAME    # 127.0.0.1:8080
Fix:
    Publish on all addresses, -p 8080:80, or on the one that others dial.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.engine_proofs import inspected


@cause("KR617", scope=Scope.CONTAINER, reads={HANDSHAKE}, since="0.2", note=True)
def published_on_loopback_only(scene: Scene) -> Iterator[Finding]:
    """Yield when every published address is a loopback one and accepts."""
    container, port = scene.container, scene.published
    if container is None or port is None or not port.places or scene.from_files or client_in(scene):
        return
    if not all(_is_loopback(host) for host, _ in port.places):
        return
    seen = [scene.maybe(HANDSHAKE, dial) for dial in scene.ways]
    if not seen or not all(one and one.outcome is Outcome.ACCEPTED for one in seen):
        return
    where = place(*port.places[0])
    says = f"port {port.number} is published on {where} only: other machines and containers are refused"
    number = port.places[0][1]
    yield Finding(
        where=f"container {container.called}",
        says=says,
        evidence=(
            inspected(scene, container, f"NetworkSettings.Ports.{port}", where, f"{where} leads to {port}"),
        ),
        fix=Fix(summary=f"For clients elsewhere create {container.called} anew with -p {number}:{port.number}"),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
