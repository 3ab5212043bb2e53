"""What a packet filter does with a connection's first packet. Pure.

A packet passes every base chain of its hook, by priority, in all tables; `accept` ends one of them, `drop` and
`reject` end the packet (nft(8), iptables(8)). What a test unknown here would say stays open: a rule behind it
that stops the packet is only possible, and one that accepts makes all behind it so.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address, ip_network

from msgspec import Struct

from kubectl_refused.model.firewall import Action, Chain, Field, Firewall, Rule, Test

MOST_STEPS = 20_000  # rules looked at for one packet, against chains that jump in circles
DEEPEST = 16  # jumps, as many as the kernel allows (NFT_JUMP_STACK_SIZE)
_STOPS = (Action.DROP, Action.REJECT)
LOOPBACK = "lo"
OUTSIDE = "any but lo"  # as an interface: it is not lo, and which it is stays open


class Packet(Struct, frozen=True):
    """A SYN: where it is from and to; an address or interface is empty where it is not known.

    `status` is dnat for one that was rewritten on its way, and `leads` then unicast, to another machine.
    """

    source: str
    destination: str
    port: int
    interface_in: str = ""
    interface_out: str = ""
    status: str = "none"
    leads: str = "local"

    @property
    def family(self) -> str:
        """IPv4 or IPv6."""
        return "IPv6" if ":" in self.destination else "IPv4"


class Stop(Struct, frozen=True):
    """A rule, or without one the policy of a chain, that stops the packet; `certain` when nothing is open."""

    chain: Chain
    rule: Rule | None
    certain: bool

    @property
    def action(self) -> Action:
        """Drop or reject."""
        return self.rule.action if self.rule else self.chain.policy

    @property
    def answer(self) -> str:
        """What the sender gets: `tcp reset`, an ICMP error's name, or nothing."""
        return self.rule.answer if self.rule else ""

    @property
    def called(self) -> str:
        """`rule 4 of nft inet filter input`, `the policy of iptables filter INPUT`."""
        where = f"{self.chain.tool} {self.chain.called}"
        if self.rule is None:
            return f"the policy of {where}"
        named = f"handle {self.rule.number}" if self.chain.tool == "nft" else f"rule {self.rule.number}"
        return f"{named} of {where}"

    @property
    def manager(self) -> str:
        """Whose rules these are: firewalld, ufw, Docker, or nobody known."""
        names = f"{self.chain.table} {self.chain.name} {self.rule.comment if self.rule else ''}".lower()
        known = {
            "firewalld": "firewalld",
            "ufw-": "ufw",
            "docker": "Docker",
            "kube-": "kube-proxy",
            "cali-": "Calico",
        }
        return next((name for word, name in known.items() if word in names), "")


def stops(firewall: Firewall, packet: Packet, hook: str) -> tuple[Stop, ...]:
    """The rules that stop the packet at a hook: the first certain one, and the possible ones before it."""
    found: list[Stop] = []
    for base in sorted((c for c in firewall.chains if c.hook == hook), key=lambda c: c.priority):
        if _sees(base, packet):
            walk = _Walk(firewall.chains, packet)
            found += walk.of_base(base)
            if any(stop.certain for stop in found):
                break
    return tuple(found)


def _sees(chain: Chain, packet: Packet) -> bool:
    return chain.family == "inet" or chain.family == ("ip6" if packet.family == "IPv6" else "ip")


class _Walk:
    """One packet through one base chain."""

    def __init__(self, chains: Iterable[Chain], packet: Packet) -> None:
        self._chains = {(c.tool, c.family, c.table, c.name): c for c in chains}
        self._packet, self._steps = packet, 0

    def of_base(self, base: Chain) -> list[Stop]:
        """What stops it there, the policy of the chain last."""
        found: list[Stop] = []
        certain = True
        for chain, rule, sure in self._met(base, 0, True):
            if rule.action in _STOPS:
                found.append(Stop(chain, rule, sure and certain))
                if sure:
                    return found
            elif rule.action is Action.ACCEPT and sure:
                return found
            else:  # perhaps accepted here
                certain = False
        if base.policy is Action.DROP:
            found.append(Stop(base, None, certain))
        return found

    def _met(self, chain: Chain, depth: int, sure: bool) -> Iterator[tuple[Chain, Rule, bool]]:
        """Rules with a verdict that the packet meets or may meet, in the order it does, through jumps."""
        for rule in chain.rules:
            self._steps += 1
            met = meets(rule.tests, self._packet)
            if met is False or rule.action is Action.NONE or self._steps > MOST_STEPS:
                continue
            here = sure and met is True
            if rule.action in (Action.JUMP, Action.GOTO):
                target = self._chains.get((chain.tool, chain.family, chain.table, rule.target))
                if target is None or depth >= DEEPEST:
                    yield chain, Rule(rule.text, Action.UNKNOWN), False
                    continue
                yield from self._met(target, depth + 1, here)
                if rule.action is Action.GOTO and here:
                    return
            elif rule.action is Action.RETURN:
                if met is True:
                    return
                sure = False
            else:
                yield chain, rule, here


def meets(tests: Sequence[Test], packet: Packet) -> bool | None:
    """Whether a packet meets all tests; None where that depends on what is not known."""
    answers = [_holds(test, packet) for test in tests]
    return False if False in answers else None if None in answers else True


def _holds(test: Test, packet: Packet) -> bool | None:
    if test.field is Field.UNKNOWN:
        return None
    seen = _seen(test.field, packet)
    if not seen:
        return None
    inside = [_is_in(test.field, seen, value) for value in test.values]
    held = True if True in inside else None if None in inside else False
    return held if held is None else held is not test.negated


def _seen(field: Field, packet: Packet) -> str:
    """The packet's own value. The port it comes from is any, so nothing is known of that."""
    return {
        Field.PROTOCOL: "tcp",
        Field.PORT: str(packet.port),
        Field.SOURCE: packet.source,
        Field.DESTINATION: packet.destination,
        Field.INTERFACE_IN: packet.interface_in,
        Field.INTERFACE_OUT: packet.interface_out,
        Field.STATE: "new",
        Field.FAMILY: packet.family,
        Field.STATUS: packet.status,  # what was rewritten on its way never comes to a socket of this address
        Field.TYPE: packet.leads,
    }.get(field, "")


def _is_in(field: Field, seen: str, value: str) -> bool | None:
    if field in (Field.SOURCE, Field.DESTINATION):
        return _address_in(seen, value)
    if field is Field.PORT:
        low, dash, high = value.partition("-")
        if not (low.isdigit() and (not dash or high.isdigit())):
            return None  # a service's name
        return int(low) <= int(seen) <= int(high or low)
    if field in (Field.INTERFACE_IN, Field.INTERFACE_OUT):
        if seen == OUTSIDE:
            return False if value == LOOPBACK else None
        return fnmatch.fnmatchcase(seen, value)
    if field is Field.PROTOCOL:
        return value in ("tcp", "6", "all", "0")
    return seen == value


def _address_in(seen: str, value: str) -> bool | None:
    low, dash, high = value.partition("-")
    try:
        address = ip_address(seen)
        if dash:
            first, last = ip_address(low), ip_address(high)
            return first.version == address.version and int(first) <= int(address) <= int(last)
        network = ip_network(value, strict=False)
    except ValueError:
        return None  # a name
    return address in network if network.version == address.version else False
