"""Connections are reset now and then: a node takes packets of them for invalid.

Why it refuses:
    Behind a Service's address every packet is translated by its conntrack entry. One that conntrack takes for
    invalid (out of the window, under load or after a retransmission) is not: the client gets an answer from the
    pod's own address, knows nothing of such a connection and resets it. Programs read "connection reset by peer",
    now and then, by the Service's address only. kube-proxy has dropped such packets since 1.15; other proxies, and
    rules in front of its own, may not. The counter of invalid packets and the resets are what is seen: that they
    belong together is concluded, so this is never more than likely.
Confirm:
    kubectl refused svc/NAME --from every-node --host-network --dials 20
    grep -A9 invalid /proc/net/stat/nf_conntrack; nft list ruleset | grep "ct state invalid"    # on the node
Fix:
    Drop invalid packets in the forward hook before anything else, or set nf_conntrack_tcp_be_liberal to 1.
See:
    https://kubernetes.io/blog/2019/03/29/kube-proxy-subtleties-debugging-an-intermittent-connection-reset/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NODE_SETTINGS
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.node_settings import node_of, setting_told, settings_of
from kubectl_refused.trace.proofs import packet

_LIBERAL = "net.netfilter.nf_conntrack_tcp_be_liberal"


@cause(
    "KR307",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, NODE_SETTINGS},
    produces=Symptom.RESET,
    since="0.2",
    needs_symptom=True,
)
def invalid_packets_reset_connections(scene: Scene) -> Iterator[Finding]:
    """Yield when only the Service's address resets some of several dials, and a node counts invalid packets."""
    seen = scene.maybe(HANDSHAKE, scene.entrance_dial) if scene.entrance_dial and not scene.from_files else None
    if seen is None or not seen.first_hand or not _now_and_then(seen) or _pods_reset(scene):
        return
    for node in dict.fromkeys((scene.vantage.node, *(node_of(e) for e in scene.ready_endpoints))):
        settings = settings_of(scene, node)
        if settings is None or not settings.invalid or settings.liberal:
            continue
        says = f"{settings.invalid} packets were invalid to its connection tracking, and {_LIBERAL} is 0"
        yield Finding(
            where=f"node/{node}",
            says=f"connections by the Service's address are reset now and then, by no pod's own; on {node} {says}",
            headline=f"connections are reset now and then: {node} takes packets of them for invalid",
            certainty=Certainty.LIKELY,
            evidence=(setting_told(node, settings, says), packet(scene, seen)),
            fix=Fix(summary=f"Drop invalid packets in the forward rules of {node}, or set {_LIBERAL} to 1 there"),
        )
        return


def _now_and_then(seen: Handshake) -> bool:
    heard = dict(seen.heard)
    return bool(heard.get(Outcome.RESET)) and bool(heard.get(Outcome.ACCEPTED))


def _pods_reset(scene: Scene) -> bool:
    """Whether some pod does not take every dial at its own address: then it need not be the way."""
    behind = [scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in scene.ready_endpoints]
    return not behind or any(h is None or h.outcome is not Outcome.ACCEPTED for h in behind)
