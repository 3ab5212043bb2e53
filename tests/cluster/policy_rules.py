"""Isolations as an nftables ruleset for one node: pure text, replaced as a whole at every change.

A packet of an established connection passes at once. A new one first asks the egress rules
of the pod it comes from, then the ingress rules of the pod it goes to; each chain returns
what it allows and ends in a drop. The node's own packets (the kubelet's probes) take the
output hook and are never asked. Peers are matched after kube-proxy's DNAT, as the API
demands for pods behind Services.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from tests.cluster.policy_model import Allowance, Isolation, Peers, Port

TABLE = "inet kubectl_refused_policy"
# A plain reject answers ICMP port unreachable, which a client reads as "Connection refused".
STYLES = {
    "drop": ("drop",),
    "reject": ("reject",),
    "reset": ("meta l4proto tcp reject with tcp reset", "drop"),
    # ICMP 3/13 or ICMPv6 1/1, which reads as "No route to host" in IPv4 and "Permission denied" in IPv6.
    "prohibit": ("reject with icmpx type admin-prohibited",),
}
# A pod finds its node's link address by these, ARP's heirs, which no policy may stop (RFC 4861).
NEIGHBOURS = "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept"


def ruleset(isolated: Iterable[Isolation], styles: Mapping[str, str], default: str) -> str:
    """The input of `nft -f` for one node; `styles` is the answer to a denied packet, by namespace."""
    chosen = list(isolated)
    lines = [f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    for one in chosen:
        lines += chain(one, STYLES[styles.get(one.namespace, default)])
    # After kube-proxy's filter chains: a Service without endpoints is refused whatever the policies.
    lines += hook("forward", chosen, ("egress", "ingress"))
    lines += hook("input", chosen, ("egress",))
    return "\n".join([*lines, "}"]) + "\n"


def hook(name: str, isolated: list[Isolation], directions: tuple[str, ...]) -> list[str]:
    """The chain at one hook that sends a new connection through the chains of its two pods."""
    lines = [f"chain {name} {{", f"type filter hook {name} priority 10; policy accept;"]
    lines += ["ct state established,related accept", NEIGHBOURS]
    for direction in directions:
        for one in isolated:
            if one.direction == direction:
                side = "saddr" if direction == "egress" else "daddr"
                lines.append(f"{family(one.address)} {side} {one.address} jump {chain_name(one)}")
    return [*lines, "}"]


def chain(one: Isolation, denial: tuple[str, ...]) -> list[str]:
    """The chain of one pod and direction."""
    kind = family(one.address)
    lines = [f"chain {chain_name(one)} {{"]
    # No policy can keep a pod from itself.
    lines.append(f"{kind} saddr {one.address} {kind} daddr {one.address} return")
    for allowance in one.allowed:
        lines += allowed(allowance, one.direction)
    return [*lines, *denial, "}"]


def chain_name(one: Isolation) -> str:
    """A name that nftables takes: `ingress_10_202_1_4`."""
    return f"{one.direction}_{one.address.replace('.', '_').replace(':', '_')}"


def allowed(allowance: Allowance, direction: str) -> list[str]:
    """The rule or rules (one per address family) that let one allowance pass."""
    side = "saddr" if direction == "ingress" else "daddr"
    port = port_match(allowance.port)
    return [" ".join([*match, *port, "return"]) for match in peer_matches(allowance.peers, side)]


def peer_matches(peers: Peers, side: str) -> list[list[str]]:
    """How nftables says "these peers"; nothing at all when a selector found nobody."""
    if peers.block:
        kind = family(peers.block)
        match = [f"{kind} {side} {peers.block}"]
        if peers.excepted:
            match.append(f"{kind} {side} != {{ {', '.join(peers.excepted)} }}")
        return [match]
    if peers.addresses is None:
        return [[]]
    matches = []
    for kind in ("ip", "ip6"):
        here = [address for address in peers.addresses if family(address) == kind]
        if here:
            matches.append([f"{kind} {side} {{ {', '.join(here)} }}"])
    return matches


def port_match(port: Port | None) -> list[str]:
    """How nftables says "this protocol and port"."""
    if port is None:
        return []
    if port.first is None:
        return [f"meta l4proto {port.protocol}"]
    return [f"{port.protocol} dport {port.first}" + (f"-{port.last}" if port.last != port.first else "")]


def family(address: str) -> str:
    """The nftables word for the address's family."""
    return "ip6" if ipaddress.ip_network(address, strict=False).version == 6 else "ip"
