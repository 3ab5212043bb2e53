"""Who sent an ICMP error, by name: what the objects of the scene tell, and whose an address is. Pure.

The sender is the interface that faces the client (RFC 1812, 4.3.2.4): a node signs with its pod gateway's address
towards its own pods and with its own towards others. A ClusterIP exists only in the rules of kube-proxy, or of
what replaces it, on the client's node: where nothing stands behind it, that node's reject is the service proxy's.
An error that comes back after those rules chose an endpoint is signed with the ClusterIP itself, as NAT translates
errors too (nf_nat_icmp_reply_translation; measured): only the endpoint's own dial tells who that was.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.facts import HANDSHAKE, HOLDER, POLICIES_IN, AddressKey, Dial, NamespaceKey, Need
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Holder, Icmp
from kubectl_refused.model.scene import Scene

from .policies import selecting

# ICMP destination unreachable: net, host and communication prohibited (RFC 1812); RFC 4443 code 1 for both
# directions, 5 and 6 for an ingress or egress policy and a reject route.
_PROHIBITED_V4, _PROHIBITED_V6 = frozenset({9, 10, 13}), frozenset({1, 5, 6})
_PORT_V4, _PORT_V6 = 3, 4
# First hop limits of common systems: Linux and the BSDs, Windows, routers.
_FIRST_TTLS = (64, 128, 255)


def prohibited(icmp: Icmp) -> bool:
    """Whether the code says that somebody's rules forbid it."""
    return icmp.code in (_PROHIBITED_V6 if ":" in icmp.offender else _PROHIBITED_V4)


def port_unreachable(icmp: Icmp) -> bool:
    """What a reject says unless it was told otherwise (iptables and nftables alike)."""
    return icmp.code == (_PORT_V6 if ":" in icmp.offender else _PORT_V4)


def offender_told(handshake: Handshake, scene: Scene) -> str:
    """Who rejected, with its address: `node2 (10.0.2.1)`; the address alone where nobody knows, else empty."""
    icmp = handshake.icmp
    if icmp is None:
        return ""
    name = _from_scene(handshake, icmp, scene) or _from_holder(handshake, icmp, scene)
    return f"{name} ({icmp.offender})" if name else icmp.offender


def unnamed_offenders(scene: Scene) -> Iterator[Need]:
    """HOLDER for each sender of an ICMP error that the scene itself cannot name."""
    for handshake in _dialled(scene):
        if handshake.icmp and not _from_scene(handshake, handshake.icmp, scene):
            yield Need(HOLDER, AddressKey(handshake.icmp.offender))


def hops_away(ttl: int | None) -> int | None:
    """Routers between a sender and the client as the remaining hop limit tells; None where it does not."""
    if ttl is None or not 0 < ttl <= _FIRST_TTLS[-1]:
        return None
    return next(first for first in _FIRST_TTLS if ttl <= first) - ttl


def rst_told(handshake: Handshake, scene: Scene, pod: Pod) -> str:
    """What the distance of an RST says against its being the pod's own; empty where it says nothing.

    Between two nodes there is a router at least, the pod's node itself: an RST that met none was not sent there.
    """
    elsewhere = pod.spec.node_name and scene.vantage.node and pod.spec.node_name != scene.vantage.node
    if handshake.rst_ttl is None or hops_away(handshake.rst_ttl) != 0 or not elsewhere:
        return ""
    return (
        f"the RST met no router (TTL {handshake.rst_ttl}), and {pod.metadata.name} is on {pod.spec.node_name}: "
        f"{scene.vantage.node} itself sent it"
    )


def _dialled(scene: Scene) -> Iterator[Handshake]:
    dials = [scene.entrance_dial, *(scene.at_endpoint(e).endpoint_dial for e in scene.ready_endpoints)]
    yield from (seen for dial in dials if dial and (seen := scene.known(HANDSHAKE, dial)))


def _from_scene(handshake: Handshake, icmp: Icmp, scene: Scene) -> str:
    """A name that costs no request."""
    pod = next((e.pod for e in scene.endpoints if e.pod and e.address == icmp.offender), None)
    if pod is not None:
        return f"pod/{pod.metadata.name}"
    of_service = scene.target.is_service and _at_entrance(handshake, scene)
    if of_service and port_unreachable(icmp) and not scene.ready_endpoints:
        return f"the service proxy of {scene.vantage.node}" if scene.vantage.node else ""
    if of_service and icmp.offender == handshake.host:
        return _behind(icmp, scene)
    if icmp.offender in (handshake.source, scene.vantage.address):
        return "the client itself, by rules of its own network"
    return ""


def _behind(icmp: Icmp, scene: Scene) -> str:
    """Whoever rejected the endpoints in the same way, else somebody."""
    for endpoint in scene.ready_endpoints:
        seen = scene.handshake(scene.at_endpoint(endpoint).endpoint_dial)
        if seen and seen.icmp and (seen.icmp.type, seen.icmp.code) == (icmp.type, icmp.code):
            return f"{offender_told(seen, scene)} behind svc/{scene.target.name}"
    return f"a host behind svc/{scene.target.name}"


def _from_holder(handshake: Handshake, icmp: Icmp, scene: Scene) -> str:
    holder = scene.known(HOLDER, AddressKey(icmp.offender))
    if holder is None:
        return ""
    if not holder.kind:
        return "a host outside of the cluster"
    if holder.kind != "Node":
        return _object_told(holder, scene)
    at_entrance = _at_entrance(handshake, scene) and port_unreachable(icmp)
    if at_entrance and not scene.ready_endpoints:
        return f"the service proxy of {holder.name}"
    return _rules_told(handshake, icmp, scene, holder.name, at_entrance=at_entrance)


def _rules_told(handshake: Handshake, icmp: Icmp, scene: Scene, node: str, *, at_entrance: bool) -> str:
    """A node that rejects, and which of its rules that may be; a host or net unreachable is no rule's."""
    if not (prohibited(icmp) or port_unreachable(icmp)):
        return node
    policy = _policy(handshake, scene)
    if policy:
        return f"{node}, likely by NetworkPolicy {policy}"
    if at_entrance:
        return f"{node}, by its service proxy or a policy"
    return f"{node}, by a firewall or policy" if prohibited(icmp) else node


def _at_entrance(handshake: Handshake, scene: Scene) -> bool:
    """Whether the dial went to an address that a service proxy leads on, which no host outside has."""
    dialled = Dial(handshake.host, handshake.port, scene.vantage.key)
    return scene.alias_port is None and scene.entrance_dial == dialled


def _object_told(holder: Holder, scene: Scene) -> str:
    kind = "pod" if holder.kind == "Pod" else "svc"
    where = "" if holder.namespace == scene.target.namespace else f" of namespace {holder.namespace}"
    return f"{kind}/{holder.name}{where}"


def _policy(handshake: Handshake, scene: Scene) -> str:
    """The first policy, of those that were read, that closes the pod that was dialled or the client."""
    here = scene.target.namespace
    ends = [e.pod for e in scene.ready_endpoints if e.pod and e.address == handshake.host]
    behind: list[Pod] = ends or [e.pod for e in scene.ready_endpoints if e.pod]
    policies = scene.known(POLICIES_IN, NamespaceKey(here)) or ()
    closing = [p for pod in behind for p in selecting(policies, "Ingress", here, pod.metadata.labels)]
    home = scene.vantage.namespace or here
    if scene.vantage.kind not in ("apiserver", "here", "node"):
        outward = scene.known(POLICIES_IN, NamespaceKey(home)) or ()
        closing += selecting(outward, "Egress", home, dict(scene.vantage.labels))
    return closing[0].metadata.name if closing else ""
