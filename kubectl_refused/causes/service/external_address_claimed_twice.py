"""Two Services claim one external address and port.

Why it refuses:
    The API server checks that ClusterIPs and nodePorts are given out once ("provided port is already
    allocated"), and externalIPs not at all. Of two Services with one external address and port each node serves
    one, whichever its proxy came to first or last, and that changes whenever anything else makes it write its
    rules anew: seen on Kubernetes 1.34 in both modes, one node on each Service at the same time. One without
    endpoints loses.
Confirm:
    kubectl get services -A -o wide | grep ADDRESS    # two with the same port
Fix:
    Give one of them another address or port.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#external-ips
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, SERVICES_EVERYWHERE, ClusterKey, Dial
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field, packet, service_subject

MOST_TOLD = 3


@cause(
    "KR233",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, SERVICES_EVERYWHERE},
    produces={Symptom.REJECT, Symptom.RST, Symptom.SILENCE},
    since="0.2",
)
def external_address_claimed_twice(scene: Scene) -> Iterator[Finding]:
    """Yield when another Service has one of the external addresses with the same port and protocol."""
    service, port = scene.service, scene.port
    if service is None or port is None:
        return
    mine = [a for a in service.spec.external_ips or () if (":" in a) == (scene.family == "IPv6")]
    if not mine:
        return
    rivals = [
        (r, a) for r in scene.maybe(SERVICES_EVERYWHERE, ClusterKey()) or () for a in _shared(scene, r, mine)
    ]
    if not rivals:
        return
    address = rivals[0][1]
    others = ", ".join(dict.fromkeys(_told(scene, r) for r, _ in rivals[:MOST_TOLD]))
    place = f"[{address}]:{port.port}" if ":" in address else f"{address}:{port.port}"
    subject, says = service_subject(scene), f"{place} is claimed by svc/{scene.target.name} and by {others}"
    evidence: list[Evidence] = [field(scene, subject, "spec.externalIPs", mine, f"externalIPs {', '.join(mine)}")]
    evidence += [
        field(scene, f"service/{r.metadata.name}", "spec.externalIPs", [a], f"{_told(scene, r)} has {a} too")
        for r, a in rivals[:MOST_TOLD]
    ]
    failed, inside = _dials(scene, address)
    evidence += [packet(scene, seen) for seen in (failed, inside) if seen]
    yield Finding(
        where=place,
        says=says,
        headline=f"{others} claims {place} too, and each node serves one of them",
        # The clash is certain; whom it hits depends on the node, unless a dial shows it.
        certainty=Certainty.PROVED if failed and inside else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(summary=f"Give svc/{scene.target.name} or {others} another external address or port"),
    )


def _shared(scene: Scene, rival: Service, mine: list[str]) -> list[str]:
    """Addresses that the other Service has too, with this port."""
    assert scene.port is not None
    meta = rival.metadata
    if (meta.namespace, meta.name) == (scene.target.namespace, scene.target.name):
        return []
    same = any((p.port, p.protocol) == (scene.port.port, scene.port.protocol) for p in rival.spec.ports or ())
    return [a for a in rival.spec.external_ips or () if same and a in mine]


def _told(scene: Scene, rival: Service) -> str:
    space = rival.metadata.namespace
    return f"svc/{rival.metadata.name}" + ("" if space == scene.target.namespace else f" of namespace {space}")


def _dials(scene: Scene, address: str) -> tuple[Handshake | None, Handshake | None]:
    """(the external address failing, the ClusterIP accepting) from one client; None for what was not so."""
    inside = scene.maybe(HANDSHAKE, scene.entrance_dial) if scene.entrance_dial else None
    if inside is None or inside.outcome is not Outcome.ACCEPTED or scene.port is None:
        return None, None
    outside = scene.maybe(HANDSHAKE, Dial(address, scene.port.port, scene.vantage.key))
    failed = outside if outside and outside.outcome is not Outcome.ACCEPTED else None
    return failed, inside
