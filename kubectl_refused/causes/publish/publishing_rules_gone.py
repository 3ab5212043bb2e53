"""The engine's packet filter rule is gone, and the published port leads nowhere.

Why it refuses:
    The engine publishes a port by rules (DNAT) that it writes when the container starts, and never looks at
    again. A flush, or a reload of another firewall, removes them. Where docker-proxy runs it still accepts;
    without it nobody does, and the host's kernel answers RST, while the container itself works.
Confirm:
    iptables -t nat -S DOCKER    # no DNAT to the container
Fix:
    Restart the engine, which writes its rules anew (Podman has none: podman network reload --all); load other
    firewalls before it.
See:
    https://docs.docker.com/engine/network/packet-filtering-firewalls/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import Engine, EngineContainer
from kubectl_refused.model.evidence import Finding, Fix, ObjectEvidence
from kubectl_refused.model.facts import FIREWALL, HANDSHAKE, MachineKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import client_in
from kubectl_refused.trace.engine_proofs import failed_ways, way_packets
from kubectl_refused.trace.engine_rules import redirect_to, tells_redirects
from kubectl_refused.trace.proofs import packet


@cause("KR625", scope=Scope.CONTAINER, reads={HANDSHAKE, FIREWALL}, produces=Symptom.RST, since="0.4")
def publishing_rules_gone(scene: Scene) -> Iterator[Finding]:
    """Yield when the container accepts at its own address, the host refuses, and no rule leads there."""
    container, port = scene.container, scene.published
    if container is None or port is None or not port.places or client_in(scene) or not scene.ready_endpoints:
        return
    failed = failed_ways(scene)
    if not any(one.outcome is Outcome.REFUSED for one in failed):
        return
    own = scene.maybe(HANDSHAKE, scene.at_endpoint(scene.ready_endpoints[0]).endpoint_dial)
    if own is None or own.outcome is not Outcome.ACCEPTED:
        return
    rules = scene.need(FIREWALL, MachineKey())
    if not tells_redirects(rules) or redirect_to(rules, container, port.number):
        return
    number = port.places[0][1]
    says = f"no rule sends port {number} on to {own.host}:{own.port}"
    evidence = ObjectEvidence(witness="iptables", subject="table nat", says=says, field="nat", value=None)
    yield Finding(
        where=f"port {number} of this machine",
        says=f"{says}, where {container.called} accepts",
        headline=f"the engine's rule for port {number} is gone",
        evidence=(evidence, packet(scene, own), *way_packets(scene)),
        fix=_fix(scene.snapshot.engine, container),
    )


def _fix(engine: Engine, container: EngineContainer) -> Fix:
    """Podman has no daemon that could be restarted, and a command that writes the rules of one container anew."""
    if engine.podman:
        summary = f"Let Podman write the rules of {container.called} anew"
        return Fix(summary=summary, command=f"podman network reload {container.called}")
    return Fix(summary="Restart the engine, which writes its rules anew", command="systemctl restart docker")
