"""Rules of NetworkPolicies that nearly let a connection through, and the one thing that differs. Pure.

A rule that is for somebody else is no near miss: labels of another app, another port on purpose. What counts
is a rule that holds but for one part, where that part looks like a slip: a port's name that the pod has not, the
wrong protocol, a namespace without the label, a podSelector that means its own namespace only, two selectors in
one peer that were to be two peers, an ipBlock that holds the address of something else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from kubectl_refused.model.evidence import Evidence, NearestEvidence
from kubectl_refused.model.objects import IPBlock, Labels, LabelSelector, NetworkPolicy, PolicyPeer, PolicyPort
from kubectl_refused.model.scene import Scene

from .containers import containers
from .denials import Denial
from .labels import selects
from .nearest import ALIKE, label_difference, label_slip, likeness, nearest
from .policies import allows, directions, in_block, peers_hold, port_holds, rules_of
from .proofs import field as proven

NAME_LABEL = "kubernetes.io/metadata.name"


class NearRule(Struct, frozen=True):
    """`says` is what differs; `path` and `value` are the JSON patch that mends it (`verb` add or replace).

    `differs` is a nearest miss, {key: (wanted, found)}, where labels are compared. `rank`: surest slip first.
    """

    policy: NetworkPolicy
    path: str
    value: Any
    says: str
    summary: str
    rank: int
    verb: str = "replace"
    differs: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """`spec.ingress[0].ports[1].port`: the JSON pointer as kubectl's paths are written."""
        parts = self.path.strip("/").split("/")
        return "".join(f"[{p}]" if p.isdigit() or p == "-" else f".{p}" for p in parts).lstrip(".")


def nearest_selector(
    denial: Denial, policies: Iterable[NetworkPolicy], labels: Labels | None, whose: str
) -> NearRule | None:
    """A policy that would let the client through, were it not for a slip in its own podSelector.

    `labels` are those of the pod whose side is closed, `whose` tells it.
    """
    home = denial.policies[0].metadata.namespace
    for policy in policies:
        slip = label_slip(policy.spec.pod_selector, labels)
        if slip is None or policy.metadata.namespace != home or denial.direction not in directions(policy):
            continue
        if allows([policy], denial.direction, denial.peer, denial.pod, denial.port, protocol=denial.protocol):
            says = f"its podSelector nearly selects {whose}: {slip.told}"
            path, summary = "/spec/podSelector/matchLabels", f"Write {slip.written} in its podSelector"
            return NearRule(policy, path, slip.meant, says, summary, 0, differs=slip.differs)
    return None


def nearest_rule(
    denial: Denial, *, own_labels: bool, elsewhere: Collection[tuple[str, str]] = ()
) -> NearRule | None:
    """The rule that comes nearest, or None.

    `own_labels`: the labels are a real client's, not a probe's, so that a slip in them means something.
    `elsewhere` are (address, whose it is) that an ipBlock may have been meant for.
    """
    found = [near for policy in denial.policies for near in _of_policy(policy, denial, own_labels, elsewhere)]
    return min(found, key=lambda near: near.rank, default=None)


def near_proof(scene: Scene, near: NearRule) -> Evidence:
    """The part that does not fit: as a difference where names or labels are compared."""
    name = near.policy.metadata.name
    subject, says = f"networkpolicy/{name}", f"{near.place} of {name}: {near.says}"
    if near.differs:
        return NearestEvidence(witness="api server", subject=subject, says=says, differs=near.differs)
    return proven(scene, subject, near.place, near.value, says)


def _of_policy(
    policy: NetworkPolicy, denial: Denial, own_labels: bool, elsewhere: Collection[tuple[str, str]]
) -> Iterator[NearRule]:
    for place, (peers, ports) in enumerate(rules_of(policy, denial.direction)):
        at = f"/spec/{denial.field}/{place}"
        if peers_hold(peers, policy.metadata.namespace, denial.peer):
            for entry, offered in enumerate(ports or ()):
                yield from _port(policy, denial, f"{at}/ports/{entry}", offered)
        elif not ports or any(port_holds(p, denial.pod, denial.port, denial.protocol) for p in ports):
            side = "from" if denial.direction == "Ingress" else "to"
            for entry, peer in enumerate(peers or ()):
                where = f"{at}/{side}/{entry}"
                yield from _peer(policy, denial, where, peer, own_labels)
                yield from _block(policy, denial, where, peer.ip_block, elsewhere)


def _port(policy: NetworkPolicy, denial: Denial, at: str, offered: PolicyPort) -> Iterator[NearRule]:
    pod, port = denial.pod.metadata.name, denial.port
    summary = f"Set the port of {denial.field} rule {_number(at)} to {port}"
    allowed, dialled = offered.protocol or "TCP", denial.protocol
    if allowed != dialled:
        if offered.port == port:
            says = f"port {port} is allowed for {allowed}; the dial is {dialled}"
            wanted = f"Set the protocol of {denial.field} rule {_number(at)} to {dialled}"
            verb = "replace" if offered.protocol else "add"
            yield NearRule(policy, f"{at}/protocol", dialled, says, wanted, 0, verb=verb)
    elif isinstance(offered.port, str):
        declared = [p for c in containers(denial.pod) for p in c.ports or () if p.name]
        means = next((p for p in declared if p.name == offered.port), None)
        if means:
            says = f"port {offered.port} means {means.container_port} in {pod}; packets arrive on {port}"
        else:
            names = ", ".join(dict.fromkeys(p.name for p in declared)) or "none"
            says = f"port {offered.port} is no port name of {pod} (it has {names}); packets arrive on {port}"
        near = None if means else nearest(offered.port, (p.name for p in declared))
        differs: dict[str, tuple[str | None, str | None]] = {"port": (offered.port, near)} if near else {}
        yield NearRule(policy, f"{at}/port", port, says, summary, 0, differs=differs)


def _peer(
    policy: NetworkPolicy, denial: Denial, at: str, peer: PolicyPeer, own_labels: bool
) -> Iterator[NearRule]:
    if peer.ip_block is not None:
        return
    pods, spaces = peer.pod_selector, peer.namespace_selector
    pods_hold = pods is None or selects(pods, denial.peer.labels)
    if spaces is None:
        if pods_hold and denial.peer.namespace != policy.metadata.namespace and _says_something(pods):
            yield _own_namespace_only(policy, denial, at)
        elif not pods_hold and own_labels and denial.peer.namespace == policy.metadata.namespace:
            yield from _label_slip(policy, denial, at, pods)
    elif not selects(spaces, denial.peer.namespace_labels):
        if pods_hold:
            yield from _namespace_label(policy, denial, at, spaces)
    elif not pods_hold and own_labels:
        slip = list(_label_slip(policy, denial, at, pods))
        yield from slip or ([_both_must_hold(policy, denial, at, peer)] if _says_something(spaces) else [])


def _own_namespace_only(policy: NetworkPolicy, denial: Denial, at: str) -> NearRule:
    theirs, here = denial.peer.namespace, policy.metadata.namespace
    says = f"a podSelector alone means pods of {here}; the labels fit, but the namespace is {theirs}"
    summary = f"Add a namespaceSelector for {theirs} to {denial.field} rule {_number(at)}"
    return NearRule(policy, f"{at}/namespaceSelector", _named(theirs), says, summary, 1, verb="add")


def _namespace_label(policy: NetworkPolicy, denial: Denial, at: str, spaces: LabelSelector) -> Iterator[NearRule]:
    """The namespace lacks the label, or has it nearly, or is called what the label should say."""
    theirs, have = denial.peer.namespace, denial.peer.namespace_labels
    differs = label_difference(spaces.match_labels or {}, have)
    if not differs or spaces.match_expressions:
        return
    if not all(value is None or likeness(wanted or "", value) >= ALIKE for wanted, value in differs.values()):
        return  # the label is there and says something else: another namespace is meant
    for_it = [wanted for key, (wanted, found) in differs.items() if found is None and "name" in key]
    if any(likeness(wanted or "", theirs) < ALIKE for wanted in for_it):
        return  # the label is a name, and not this one's
    told = ", ".join(f"{key}={wanted}" for key, (wanted, _) in differs.items())
    says = f"it asks for namespaces with {told}; {theirs} does not carry that"
    summary = f"Select namespace {theirs} by its name in {denial.field} rule {_number(at)}"
    yield NearRule(policy, f"{at}/namespaceSelector", _named(theirs), says, summary, 1, differs=differs)


def _label_slip(policy: NetworkPolicy, denial: Denial, at: str, pods: LabelSelector | None) -> Iterator[NearRule]:
    """The peer's labels are the selector's but for a slip."""
    slip = label_slip(pods, denial.peer.labels)
    if slip:
        summary = f"Write {slip.written} in {denial.field} rule {_number(at)}"
        path, says = f"{at}/podSelector/matchLabels", f"its labels nearly fit: {slip.told}"
        yield NearRule(policy, path, slip.meant, says, summary, 1, differs=slip.differs)


def _both_must_hold(policy: NetworkPolicy, denial: Denial, at: str, peer: PolicyPeer) -> NearRule:
    theirs = denial.peer.namespace
    says = f"namespaceSelector and podSelector stand in one peer, so both must hold; only namespace {theirs} fits"
    summary = f"Write the namespaceSelector of {denial.field} rule {_number(at)} as a peer of its own"
    alone = {"namespaceSelector": _written(peer.namespace_selector)}
    return NearRule(policy, f"{at.rpartition('/')[0]}/-", alone, says, summary, 3, verb="add")


def _block(
    policy: NetworkPolicy,
    denial: Denial,
    at: str,
    block: IPBlock | None,
    elsewhere: Collection[tuple[str, str]],
) -> Iterator[NearRule]:
    address = denial.peer.address
    if block is None or not address:
        return
    whole = IPBlock(block.cidr)
    summary = f"Select the pods by labels in {denial.field} rule {_number(at)}, not by address"
    by_labels = {"namespaceSelector": _named(denial.peer.namespace), "podSelector": {}}
    if in_block(whole, address):
        says = (
            f"ipBlock {block.cidr} holds {address}, and its except {', '.join(block.except_ or ())} takes it out"
        )
        yield NearRule(policy, at, by_labels, says, summary, 2)
        return
    for other, whose in elsewhere:
        # An address of the other family is no slip: the rule forgets a family, which is plain denial.
        if other and (":" in other) == (":" in address) and in_block(block, other):
            says = f"ipBlock {block.cidr} holds {other}, {whose}; policies see the pod's own address, {address}"
            yield NearRule(policy, at, by_labels, says, summary, 2)


def _says_something(selector: LabelSelector | None) -> bool:
    return selector is not None and bool(selector.match_labels or selector.match_expressions)


def _named(namespace: str) -> dict[str, Any]:
    return {"matchLabels": {NAME_LABEL: namespace}}


def _written(selector: LabelSelector | None) -> dict[str, Any]:
    """The selector as an API object."""
    if selector is None:
        return {}
    told: dict[str, Any] = {"matchLabels": dict(selector.match_labels)} if selector.match_labels else {}
    if selector.match_expressions:
        told["matchExpressions"] = [
            {"key": r.key, "operator": r.operator} | ({"values": list(r.values)} if r.values else {})
            for r in selector.match_expressions
        ]
    return told


def _number(at: str) -> int:
    """The rule's place, counted from 1 as people do."""
    return int(at.split("/")[3]) + 1
