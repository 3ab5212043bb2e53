"""A firewall of the node blocks a pod that is on its node's network.

Why it refuses:
    A pod with hostNetwork has its node's address, and what comes in there goes through the node's own INPUT
    rules (firewalld, ufw, a cloud's image) before it meets the socket. NetworkPolicies do not judge such pods.
    The rules let in what comes from the node itself, so that probes pass and the pod is ready, and drop or
    reject the rest.
Confirm:
    nft list ruleset; iptables-save    # on that node: what drops or rejects the port; ss -ltn shows it listens
Fix:
    Open the port in the node's firewall for the pods' and nodes' addresses.
See:
    https://kubernetes.io/docs/reference/networking/ports-and-protocols/
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.denials import egress_denial
from kubectl_refused.trace.offenders import port_unreachable, prohibited
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.sockets import Standing, standing

_UNREACHABLE = frozenset({1, 3})  # types: RFC 4443, RFC 792
_BLOCKED = frozenset({Outcome.TIMEOUT, Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.REFUSED})


@cause(
    "KR319",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN},
    produces={Symptom.SILENCE, Symptom.REJECT, Symptom.RST, Symptom.NO_LISTENER},
    # A nodePort of that number rejects as a firewall does.
    shows=Symptom.REJECT,
    since="0.2",
    needs_symptom=True,
)
def node_firewall_blocks_pod(scene: Scene) -> Iterator[Finding]:
    """Yield when a pod on its node's network serves, and dials from elsewhere do not get in."""
    seen, pod = scene.dialled, scene.pod
    if seen is None or pod is None or not pod.spec.host_network:
        return
    if not seen.first_hand or seen.outcome not in _BLOCKED:
        return
    if scene.vantage.is_pod and egress_denial(scene) is not None:
        return
    own = _from_own_node(scene, pod)
    evidence: list[Evidence] = [packet(scene, seen), *(packet(place, one) for place, one in own)]
    if not own and not _by_a_rule(seen):
        # Silence or an RST is its own unless its sockets say that it listens.
        listeners = scene.maybe(LISTENERS, pod_key(pod))
        if listeners is None or standing(listeners.sockets, seen.host, seen.port) is not Standing.OPEN:
            return
        evidence.append(sockets(pod, listeners))
    node, name = pod.spec.node_name or "its node", pod.metadata.name
    within = f", while {node} itself gets in" if own else ""
    yield Finding(
        where=f"node/{node}",
        says=f"pod {name} has {node}'s address; its port {seen.port} is blocked from elsewhere{within}",
        headline=f"a firewall of {node} blocks port {seen.port} of pod {name}, which is on the node's network",
        # A rule says so itself, or the node lets in only what is its own; silence alone may be the way there.
        certainty=Certainty.PROVED if own or _by_a_rule(seen) else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(summary=f"Open port {seen.port} in the firewall of {node} for the addresses of pods and nodes"),
    )


def _by_a_rule(seen: Handshake) -> bool:
    """Whether an ICMP error came that no kernel sends for TCP without a rule."""
    icmp = seen.icmp
    return icmp is not None and icmp.type in _UNREACHABLE and (prohibited(icmp) or port_unreachable(icmp))


def _from_own_node(scene: Scene, pod: Pod) -> list[tuple[Scene, Handshake]]:
    """The same dial from the pod's own node, where it got in."""
    found = []
    for place in scene.siblings:
        if place.vantage.node != pod.spec.node_name or place.vantage.node == scene.vantage.node:
            continue
        seen = place.handshake(replace(scene.endpoint_dial, at=place.vantage.key))
        if seen is not None and seen.outcome is Outcome.ACCEPTED:
            found.append((place, seen))
    return found[:1]
