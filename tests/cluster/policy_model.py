"""What NetworkPolicies allow, worked out from API objects: pure, no cluster and no nftables.

The rules are those of https://kubernetes.io/docs/concepts/services-networking/network-policies/
Objects are the decoded JSON of the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """Everything the rules depend on, as lists of API objects."""

    policies: tuple[Object, ...]
    pods: tuple[Object, ...]
    namespaces: tuple[Object, ...]


@dataclass(frozen=True)
class Peers:
    """Whom a rule lets in or out: addresses, or one range less its exceptions; neither: everybody."""

    addresses: tuple[str, ...] | None = None
    block: str = ""
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Port:
    """A protocol (tcp, udp, sctp) and its ports `first` to `last`; None is every port."""

    protocol: str
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Allowance:
    """One thing a policy allows; no port means every protocol."""

    peers: Peers
    port: Port | None = None


@dataclass(frozen=True)
class Isolation:
    """One address of a pod that some policy isolates in one direction, with all that is allowed to it."""

    address: str
    node: str
    namespace: str
    direction: str
    allowed: tuple[Allowance, ...]


def isolations(world: World) -> list[Isolation]:
    """Every isolated pod's addresses and directions, in a stable order."""
    found: list[Isolation] = []
    for pod in world.pods:
        addresses = addresses_of(pod)
        chosen = [policy for policy in world.policies if addresses and chooses(policy, pod)]
        for direction in ("ingress", "egress"):
            acting = [policy for policy in chosen if direction in directions(policy)]
            if acting:
                found += isolated(world, pod, direction, acting)
    return sorted(found, key=lambda one: (one.node, one.address, one.direction))


def isolated(world: World, pod: Object, direction: str, acting: Iterable[Object]) -> Iterable[Isolation]:
    """What the acting policies together allow this pod, at each of its addresses: policies only ever add."""
    allowed: dict[Allowance, None] = {}
    for policy in acting:
        for rule in policy["spec"].get(direction) or ():
            allowed.update(dict.fromkeys(allowances(world, policy, pod, direction, rule)))
    node, namespace = pod["spec"].get("nodeName", ""), pod["metadata"]["namespace"]
    for address in addresses_of(pod):
        yield Isolation(address, node, namespace, direction, tuple(allowed))


def addresses_of(pod: Object) -> tuple[str, ...]:
    """The pod's own addresses, one per family; none if it has none yet, has ended, or uses its node's."""
    status = pod.get("status") or {}
    if pod["spec"].get("hostNetwork") or status.get("phase") in ("Succeeded", "Failed"):
        return ()
    return tuple(str(entry["ip"]) for entry in status.get("podIPs") or () if entry.get("ip"))


def chooses(policy: Object, pod: Object) -> bool:
    """Whether the policy applies to the pod."""
    same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and matches(policy["spec"].get("podSelector"), labels(pod))


def directions(policy: Object) -> set[str]:
    """Which directions the policy isolates; by default ingress, and egress if it has such rules."""
    named = policy["spec"].get("policyTypes")
    if named:
        return {name.lower() for name in named}
    return {"ingress", "egress"} if policy["spec"].get("egress") else {"ingress"}


def labels(thing: Object) -> Mapping[str, str]:
    """The labels of an object."""
    return thing["metadata"].get("labels") or {}


def matches(selector: Object | None, have: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all."""
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    plain = all(have.get(name) == value for name, value in wanted.items())
    return plain and all(satisfies(one, have) for one in selector.get("matchExpressions") or ())


def satisfies(expression: Object, have: Mapping[str, str]) -> bool:
    """Whether the labels satisfy one set-based requirement."""
    name, operator = expression["key"], expression["operator"]
    values = expression.get("values") or ()
    answers = {
        "In": have.get(name) in values and name in have,
        "NotIn": have.get(name) not in values,
        "Exists": name in have,
        "DoesNotExist": name not in have,
    }
    return bool(answers.get(operator, False))


def allowances(world: World, policy: Object, pod: Object, direction: str, rule: Object) -> Iterable[Allowance]:
    """Everything one rule allows: each peer with each port."""
    sides = rule.get("from" if direction == "ingress" else "to") or ()
    ports = rule.get("ports") or (None,)
    for port in ports:
        if not sides:
            yield from with_port(world, Peers(), port, pod, direction)
        for side in sides:
            yield from with_port(world, peers(world, policy, side), port, pod, direction)


def peers(world: World, policy: Object, side: Object) -> Peers:
    """Whom one peer of a rule means."""
    if side.get("ipBlock"):
        block = side["ipBlock"]
        return Peers(block=block["cidr"], excepted=tuple(block.get("except") or ()))
    own = policy["metadata"]["namespace"]
    spaces = {own}
    if side.get("namespaceSelector") is not None:
        chosen = [space for space in world.namespaces if matches(side["namespaceSelector"], labels(space))]
        spaces = {space["metadata"]["name"] for space in chosen}
    found = [
        address
        for pod in world.pods
        if pod["metadata"]["namespace"] in spaces and matches(side.get("podSelector"), labels(pod))
        for address in addresses_of(pod)
    ]
    return Peers(addresses=tuple(sorted(found)))


def with_port(world: World, who: Peers, port: Object | None, pod: Object, direction: str) -> Iterable[Allowance]:
    """The peers with one port of a rule; a port's name is looked up in the pod that is dialled."""
    if port is None:
        yield Allowance(who)
        return
    protocol, number = str(port.get("protocol", "TCP")).lower(), port.get("port")
    if number is None:
        yield Allowance(who, Port(protocol))
    elif isinstance(number, int):
        yield Allowance(who, Port(protocol, number, port.get("endPort", number)))
    elif direction == "ingress":
        for found in named_ports(pod, number, protocol):
            yield Allowance(who, Port(protocol, found, found))
    else:
        yield from named_egress(world, who, number, protocol)


def named_egress(world: World, who: Peers, name: str, protocol: str) -> Iterable[Allowance]:
    """A named port outwards is, for each peer pod, the port that pod calls so."""
    for pod in world.pods:
        meant = tuple(one for one in addresses_of(pod) if who.addresses is None or one in who.addresses)
        if meant and not who.block:
            for found in named_ports(pod, name, protocol):
                yield Allowance(Peers(addresses=meant), Port(protocol, found, found))


def named_ports(pod: Object, name: str, protocol: str) -> list[int]:
    """The numbers of the pod's container ports of that name and protocol."""
    sidecars = [one for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"]
    declared = [port for one in [*pod["spec"]["containers"], *sidecars] for port in one.get("ports") or ()]
    return [
        port["containerPort"]
        for port in declared
        if port.get("name") == name and port.get("protocol", "TCP").lower() == protocol
    ]
