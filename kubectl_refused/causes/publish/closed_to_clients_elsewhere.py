"""A firewall rule of the engine's machine stops what other machines dial.

Why it refuses:
    Connections of other machines to a published port are sent on to the container (DNAT) and pass the FORWARD
    chain: DOCKER-USER first, then the engine's own rules. A rule there that drops or rejects never meets what
    the machine itself dials. So it works on localhost, and nowhere else.
Confirm:
    iptables -S DOCKER-USER; iptables -S FORWARD
Fix:
    Let the port through in DOCKER-USER if others are meant to reach it. The port to name there is the
    container's own.
See:
    https://docs.docker.com/engine/network/packet-filtering-firewalls/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import FIREWALL, HANDSHAKE, MachineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.engine_rules import stopped_on_the_way_in
from kubectl_refused.trace.hosts import rule_told
from kubectl_refused.trace.sockets import is_loopback


@cause("KR624", scope=Scope.CONTAINER, reads={HANDSHAKE, FIREWALL}, since="0.4", note=True)
def closed_to_clients_elsewhere(scene: Scene) -> Iterator[Finding]:
    """Yield when it works from here, on an address of others too, and a rule stops them."""
    container, port = scene.container, scene.published
    if container is None or port is None or client_in(scene) or not scene.snapshot.engine.local:
        return
    if all(is_loopback(host or "0.0.0.0") for host, _ in port.places):
        return
    seen = [scene.maybe(HANDSHAKE, dial) for dial in scene.ways]
    if not any(one and one.outcome is Outcome.ACCEPTED for one in seen):
        return
    rules = scene.need(FIREWALL, MachineKey())
    stop = stopped_on_the_way_in(scene, rules, container)
    if stop is None:
        return
    who = "other machines are" if stop.certain else "some other machines are"
    yield Finding(
        where=stop.called,
        says=f"port {port.places[0][1]} accepts from here; {who} stopped by {stop.called}",
        evidence=(rule_told(rules, stop),),
        fix=Fix(summary=f"Accept TCP port {port.number} there first if others are meant to reach it"),
    )
