"""A node's service proxy, as its pod and its log tell of it, and what dials say of its rules. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kubectl_refused.model.facts import HANDSHAKE, PODS_IN, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene

from .testimonies import log_lines

SYSTEM = "kube-system"
# Net and host unreachable (RFC 792, RFC 4443): what follows when an address leads to nobody.
_NOBODY_THERE = frozenset({(3, 0), (3, 1), (1, 0), (1, 3)})


class WrongRules(NamedTuple):
    """A node from which the Service's address alone fails, and the proxy that writes its rules there."""

    node: str
    proxy: Pod
    entrance: Handshake
    reached: tuple[Handshake, ...]


def wrong_rules(scene: Scene) -> WrongRules | None:
    """Where the client's node has a proxy's pod, and its rules lead this client astray. Raises Undecided."""
    node = scene.vantage.node
    found = only_entrance_fails(scene) if node and not scene.from_files else None
    proxy = proxy_pod(scene, node) if found else None
    return WrongRules(node, proxy, *found) if found and proxy else None


def proxy_pod(scene: Scene, node: str) -> Pod | None:
    """The proxy's pod on the node, where it runs as one and may be read. Raises Undecided."""
    pods = scene.maybe(PODS_IN, NamespaceKey(SYSTEM)) or ()
    named = (p for p in pods if (p.metadata.labels or {}).get("k8s-app") == "kube-proxy")
    return next((p for p in named if p.spec.node_name == node), None)


def proxy_log(scene: Scene, pod: Pod) -> Iterator[tuple[str, str]]:
    """(container, line) of its log, the last line first; nothing where it cannot be had. Raises Undecided."""
    for container in (pod.spec.containers or ())[:1]:
        yield from (
            (container.name, line) for line in reversed(log_lines(scene, pod, container.name, previous=False))
        )


def only_entrance_fails(scene: Scene) -> tuple[Handshake, tuple[Handshake, ...]] | None:
    """(dial of the Service's address, those of its endpoints) where the first fails and the others all accept.

    Not where a neighbour on the node gets through, which has the same rules, nor for a pod that dials itself.
    """
    stays_local = scene.service is not None and scene.service.spec.internal_traffic_policy == "Local"
    entrance = scene.maybe(HANDSHAKE, scene.entrance_dial) if scene.entrance_dial else None
    if entrance is None or entrance.outcome is Outcome.ACCEPTED or not entrance.first_hand or stays_local:
        return None
    if _neighbour_gets_through(scene) or any(e.address == scene.vantage.address for e in scene.ready_endpoints):
        return None
    behind = [scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in scene.ready_endpoints]
    reached = tuple(h for h in behind if h and h.outcome is Outcome.ACCEPTED)
    return (entrance, reached) if reached and len(reached) == len(behind) else None


def _neighbour_gets_through(scene: Scene) -> bool:
    beside = (s for s in scene.siblings if s.vantage.node == scene.vantage.node)
    return any((h := s.handshake(s.entrance_dial)) and h.outcome is Outcome.ACCEPTED for s in beside)


def leads_astray(entrance: Handshake) -> bool:
    """Whether the Service's address was translated to one where nobody is.

    NAT translates ICMP errors back, too: signed with the Service's own address, a host unreachable is about what
    stands behind it (nf_nat_icmp_reply_translation; measured).
    """
    icmp = entrance.icmp
    return icmp is not None and icmp.offender == entrance.host and (icmp.type, icmp.code) in _NOBODY_THERE
