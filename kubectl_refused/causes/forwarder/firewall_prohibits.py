"""A firewall on the way prohibits it, and no NetworkPolicy does.

Why it refuses:
    Rules of a host reject the packet with an ICMP error of their own: host prohibited or administratively
    prohibited (what firewalld's last FORWARD rule sends; programs say "no route to host"), or port unreachable
    (iptables' and nftables' REJECT unless told otherwise; programs say "connection refused"). No kernel sends
    these for TCP without a rule: a closed port answers RST. The ICMP error carries the address of who rejected.
Confirm:
    nft list ruleset | grep -n reject; iptables-save | grep -n REJECT    # on the host that is named
Fix:
    Let the pods' addresses through on that host (firewalld: the trusted zone), before its reject rule.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/
    https://docs.kernel.org/networking/nf_conntrack-sysctl.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NAMESPACE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.denials import client_party, party
from kubectl_refused.trace.offenders import offender_told, port_unreachable, prohibited
from kubectl_refused.trace.policies import Direction, allows, selecting
from kubectl_refused.trace.proofs import field, packet

_SIDES: tuple[Direction, ...] = ("Ingress", "Egress")
_ICMP_UNREACHABLE = (3, 1)  # types: RFC 792, RFC 4443


@cause(
    "KR308",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, NAMESPACE, POLICIES_IN},
    produces=Symptom.SILENCE,
    # It is told by elimination: who is known to reject there is the better answer.
    shows=Symptom.REJECT,
    since="0.2",
    needs_symptom=True,
)
def firewall_prohibits(scene: Scene) -> Iterator[Finding]:
    """Yield when an ICMP error that only rules send comes back for a pod, and no policy, evaluated, denies it."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or not _by_a_rule(handshake) or not scene.vantage.is_pod:
        return
    spaces = dict.fromkeys((pod.metadata.namespace, scene.vantage.namespace or scene.target.namespace))
    unread = [space for space in spaces if scene.maybe(POLICIES_IN, NamespaceKey(space)) is None]
    if not unread and any(_denies(scene, handshake, side) for side in _SIDES):
        return
    who = offender_told(handshake, scene)
    telling = prohibited(handshake.icmp) if handshake.icmp else False
    code = "prohibits it" if telling else "rejects it"
    says = f"{who} {code}, and " + (
        f"the NetworkPolicies of {' and '.join(unread)} could not be read" if unread else "no NetworkPolicy does"
    )
    proof: list[Evidence] = [packet(scene, handshake)]
    if not unread:
        told = f"no NetworkPolicy of {' and '.join(spaces)} denies {scene.vantage.who} port {handshake.port}"
        proof.append(field(scene, f"pod/{pod.metadata.name}", "metadata.labels", None, told))
    yield Finding(
        where=who,
        says=says,
        headline=f"a firewall on the way {code}: {who}",
        # A policy of another kind is a rule as well: those that could not be read leave it open whose it is.
        certainty=Certainty.LIKELY if unread else Certainty.PROVED,
        evidence=tuple(proof),
        fix=Fix(summary=f"Let the pods' addresses through port {handshake.port} in the rules of {who}"),
    )


def _by_a_rule(seen: Handshake) -> bool:
    if seen.icmp is None or not seen.first_hand or seen.icmp.type not in _ICMP_UNREACHABLE:
        return False
    return prohibited(seen.icmp) or port_unreachable(seen.icmp)


def _denies(scene: Scene, handshake: Handshake, direction: Direction) -> bool:
    """Whether the policies of one side deny the dial; those of a pod on the node's network never do."""
    assert scene.pod is not None
    pod, space = scene.pod, scene.pod.metadata.namespace
    if direction == "Ingress":
        policies = scene.need(POLICIES_IN, NamespaceKey(space))
        closing = selecting(policies, direction, space, pod.metadata.labels)
        peer = client_party(scene, handshake)
        return not pod.spec.host_network and not allows(closing, direction, peer, pod, handshake.port)
    home = scene.vantage.namespace or scene.target.namespace
    policies = scene.need(POLICIES_IN, NamespaceKey(home))
    closing = selecting(policies, direction, home, dict(scene.vantage.labels))
    peer = party(scene, space, pod.metadata.labels or {}, handshake.host)
    return not allows(closing, direction, peer, pod, handshake.port)
