"""Large packets get lost on the way: the handshake works, a large answer hangs.

Why it refuses:
    Some link on the way takes smaller packets than the pods' interfaces (a tunnel, a VPN, a cloud's network), and
    the router's word for it, ICMP "fragmentation needed", does not come back: a firewall drops it, or the link
    drops silently. Handshakes, pings and short answers fit; a full-size segment is sent again and again and never
    arrives. Browsers and curl hang after "connected", TLS hangs after the client's hello. Seen on a real cluster
    with a route of 1300 bytes whose ICMP errors were dropped: 187 bytes of the answer's head came, then silence,
    while a dial that announced segments of 536 bytes got all of it.
Confirm:
    kubectl refused svc/NAME --guess-protocol
    ping -M do -s 1472 -c 3 POD_IP    # from the client's node, then with less; cat /sys/class/net/*/mtu on both
Fix:
    Set the MTU of the pods' network to what the way carries, less the tunnel's headers; let ICMP "fragmentation
    needed" through; or clamp the MSS (nft: tcp flags syn tcp option maxseg size set rt mtu).
See:
    https://www.rfc-editor.org/rfc/rfc2923#section-2.1
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import BULK, HANDSHAKE, BulkDial
from kubectl_refused.model.observation import Bulk, Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import packet

# Endpoints that are asked for a large answer: they share the network that loses it.
MOST = 6
_FIX = "Set the MTU of the pods' network to what the way carries, or let ICMP fragmentation-needed through"
_LONG = {"http": "GET /", "tls": "a TLS hello"}


@cause(
    "KR320", scope=Scope.ROUTE, reads={HANDSHAKE, BULK}, produces=Symptom.HANGING, since="0.2", needs_symptom=True
)
def large_packets_lost(scene: Scene) -> Iterator[Finding]:
    """Yield when an answer falls silent by turns with ordinary segments, and comes whole in small ones."""
    for view, seen in _speaking(scene)[:MOST]:
        told = scene.maybe(BULK, BulkDial(seen.host, seen.port, seen.speaks, scene.vantage.key))
        if told is not None and told.only_small:
            yield _finding(view, seen, told)


def _speaking(scene: Scene) -> list[tuple[Scene, Handshake]]:
    """Endpoints that accepted and were heard to speak what has long answers."""
    found: list[tuple[Scene, Handshake]] = []
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        seen = scene.maybe(HANDSHAKE, view.endpoint_dial) if not scene.from_files else None
        if seen and endpoint.pod and seen.outcome is Outcome.ACCEPTED and seen.first_hand and seen.speaks in _LONG:
            found.append((view, seen))
    return found


def _finding(scene: Scene, seen: Handshake, told: Bulk) -> Finding:
    pod = scene.pod.metadata.name if scene.pod else seen.host
    came, small = f"{min(told.ordinary)} bytes", f"{min(told.small)} bytes"
    asked = _LONG[seen.speaks]
    says = (
        f"asked for {asked} twice, by turns: {came} and silence by ordinary segments, "
        f"{small} to the end by segments of {told.segment}"
    )
    evidence: list[Evidence] = [packet(scene, seen), _witness(told, says)]
    if told.late:
        evidence.append(_witness(told, "a later piece of the answer arrived, the one before it never did"))
    return Finding(
        where=f"port {seen.port} of pod/{pod}",
        says=f"large packets of {pod} get lost on their way to the client: {came} of an answer come, no more",
        headline=f"large packets get lost on the way: of the answer {came} come, then silence",
        evidence=tuple(evidence),
        fix=Fix(summary=_FIX),
    )


def _witness(told: Bulk, says: str) -> WitnessEvidence:
    return WitnessEvidence(witness=told.witness, subject=f"{told.host}:{told.port}", says=says)
