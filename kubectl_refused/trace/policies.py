"""NetworkPolicies evaluated rule by rule, as the API defines them (networking/v1 types.go). Pure.

Policies only add up: a pod that any policy selects for a direction is closed in it but for what some rule of
some such policy allows. Rules within a policy, peers and ports within a rule are alternatives; a peer's
podSelector and namespaceSelector must both hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Literal

from msgspec import Struct

from kubectl_refused.model.objects import (
    IPBlock,
    Labels,
    LabelSelector,
    NetworkPolicy,
    Pod,
    PolicyPeer,
    PolicyPort,
)

from .containers import containers
from .labels import selects

Direction = Literal["Ingress", "Egress"]


class Party(Struct, frozen=True):
    """One end of a connection, as policies see it. `address` may be empty where it is not known."""

    namespace: str
    labels: Labels
    namespace_labels: Labels
    address: str = ""


def selecting(
    policies: Iterable[NetworkPolicy], direction: Direction, namespace: str, labels: Labels | None
) -> tuple[NetworkPolicy, ...]:
    """The policies that close this direction for a pod with these labels."""
    return tuple(
        p
        for p in policies
        if p.metadata.namespace == namespace
        and direction in directions(p)
        and selects(p.spec.pod_selector, labels)
    )


def allows(
    policies: Sequence[NetworkPolicy],
    direction: Direction,
    peer: Party,
    receiver: Pod | None,
    port: int,
    *,
    protocol: str = "TCP",
) -> bool:
    """Whether no policy selects, or some rule lets `peer` through to `port` of `receiver`."""
    if not policies:
        return True
    for policy in policies:
        for peers, ports in rules_of(policy, direction):
            if _ports_hold(ports, receiver, port, protocol) and peers_hold(peers, policy.metadata.namespace, peer):
                return True
    return False


def directions(policy: NetworkPolicy) -> tuple[str, ...]:
    """policyTypes; when unset always Ingress, and Egress where there are egress rules."""
    if policy.spec.policy_types:
        return policy.spec.policy_types
    return ("Ingress", "Egress") if policy.spec.egress else ("Ingress",)


def rules_of(
    policy: NetworkPolicy, direction: Direction
) -> list[tuple[tuple[PolicyPeer, ...] | None, tuple[PolicyPort, ...] | None]]:
    """(peers, ports) of each rule of a direction, in the order of the spec."""
    if direction == "Ingress":
        return [(r.from_, r.ports) for r in policy.spec.ingress or ()]
    return [(r.to, r.ports) for r in policy.spec.egress or ()]


def _ports_hold(ports: tuple[PolicyPort, ...] | None, receiver: Pod | None, port: int, protocol: str) -> bool:
    """No ports is every port; a name is looked up in the receiving pod."""
    return not ports or any(port_holds(p, receiver, port, protocol) for p in ports)


def port_holds(offered: PolicyPort, receiver: Pod | None, port: int, protocol: str = "TCP") -> bool:
    """Whether one entry of a rule's ports lets through to `port` of the receiver."""
    if (offered.protocol or "TCP") != protocol:
        return False
    if offered.port is None:
        return True
    if isinstance(offered.port, int):
        return offered.port <= port <= (offered.end_port or offered.port)
    if receiver is None:
        return False
    return any(
        p.name == offered.port and p.container_port == port for c in containers(receiver) for p in c.ports or ()
    )


def peers_hold(peers: tuple[PolicyPeer, ...] | None, namespace: str, peer: Party) -> bool:
    """Whether some peer of a rule is `peer`; no peers is everybody. `namespace` is the policy's own."""
    return not peers or any(_peer_holds(p, namespace, peer) for p in peers)


def _peer_holds(offered: PolicyPeer, namespace: str, peer: Party) -> bool:
    if offered.ip_block is not None:
        return in_block(offered.ip_block, peer.address)
    if offered.namespace_selector is not None:
        if not selects(offered.namespace_selector, peer.namespace_labels):
            return False
    elif peer.namespace != namespace:
        return False
    return offered.pod_selector is None or selects(offered.pod_selector, peer.labels)


def in_block(block: IPBlock, address: str) -> bool:
    """Whether an address is in the block and in none of its holes; never for an unknown address."""
    if not address:
        return False
    known = ip_address(address)
    inside = [ip_network(cidr, strict=False) for cidr in (block.cidr, *(block.except_ or ()))]
    return known in inside[0] and not any(known in hole for hole in inside[1:])


def lets_in(policies: Sequence[NetworkPolicy]) -> str:
    """What the ingress rules allow, in words: `it lets in pods with role=web on 8080`, or that it is nobody."""
    told = [
        f"{' or '.join(map(_peer_told, peers or ())) or 'anybody'} on {_ports_told(ports)}"
        for policy in policies
        for peers, ports in rules_of(policy, "Ingress")
    ]
    return "it lets in " + ("; ".join(told[:3]) if told else "nobody")


def _peer_told(peer: PolicyPeer) -> str:
    if peer.ip_block is not None:
        return f"addresses of {peer.ip_block.cidr}"
    pods = selector_told("pods", peer.pod_selector)
    if peer.namespace_selector is None:
        return pods
    return f"{pods} of {selector_told('namespaces', peer.namespace_selector)}"


def selector_told(what: str, selector: LabelSelector | None) -> str:
    """`pods with app=web`; `all pods` for none or an empty selector."""
    if selector is None:
        return f"all {what}"
    pairs = [f"{key}={value}" for key, value in sorted((selector.match_labels or {}).items())]
    pairs += [f"{r.key} {r.operator} {','.join(r.values or ())}".strip() for r in selector.match_expressions or ()]
    return f"{what} with {', '.join(pairs)}" if pairs else f"all {what}"


def _ports_told(ports: tuple[PolicyPort, ...] | None) -> str:
    """`port 80`: a policy sees the pod's port, never the Service's."""
    named = [str(p.port) for p in ports or () if p.port is not None]
    return f"port {', '.join(named)}" if named else "every port"
