"""The port is published on IPv4 only, and localhost is ::1 first.

Why it refuses:
    Most systems resolve localhost to ::1 before 127.0.0.1. A port published on an IPv4 address alone has no
    listener at ::1, so the first dial gets an RST. Clients that go on to the next address get in; those that do
    not are refused.
Confirm:
    curl -6 http://localhost:PORT/; curl -4 http://localhost:PORT/
Fix:
    Dial 127.0.0.1, or publish the port on [::1] as well.
See:
    https://docs.docker.com/engine/network/port-publishing/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, NameKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.proofs import packet

LOCALHOST = NameKey("localhost", "here")


@cause("KR619", scope=Scope.CONTAINER, reads={HANDSHAKE, LOOKUP}, since="0.2", note=True)
def localhost_is_ipv6_first(scene: Scene) -> Iterator[Finding]:
    """Yield when 127.0.0.1 accepts, ::1 refuses, and localhost is both."""
    container, port = scene.container, scene.published
    if container is None or port is None or client_in(scene) or scene.vantage.key != LOCALHOST.at:
        return
    ours = [dial for dial in scene.ways if dial.host == "127.0.0.1"]
    if not ours or any(":" in host for host, _ in port.places):
        return
    old = scene.maybe(HANDSHAKE, ours[0])
    if old is None or old.outcome is not Outcome.ACCEPTED:
        return
    found = scene.maybe(LOOKUP, LOCALHOST)
    new = scene.maybe(HANDSHAKE, Dial("::1", ours[0].port, scene.vantage.key))
    if found is None or "::1" not in found.addresses or new is None or new.outcome is not Outcome.REFUSED:
        return
    number = ours[0].port
    yield Finding(
        where=f"container {container.called}",
        says=f"localhost:{number} is refused over IPv6: port {port.number} is published on IPv4 only",
        evidence=(packet(scene, old), packet(scene, new)),
        fix=Fix(summary=f"Let clients that try one address only dial 127.0.0.1:{number}"),
    )
