"""Rules in the pod's network, or of its node for it, stop packets before its app.

Why it refuses:
    A process listens, its node has a way to the pod, and no NetworkPolicy denies the client; still no packet gets
    to the socket. Somebody's rules take it first: iptables or nftables in the pod's own network namespace (an init
    script, a mesh's leftover, a chaos tool's "drop all"), or rules of its node for this pod's address. Drops are
    timeouts; "reject with tcp reset" reads like a closed port. Where a dial from inside the pod to its own address
    ends the same way, the rules are the pod's own, as such a packet never leaves it (seen). Where that dial is
    accepted, and one from the pod's node is not, they are for what comes in by eth0, in the pod or on its node
    (seen): which, and whose, nobody can tell without access to the node.
Confirm:
    nsenter -t PID -n nft list ruleset; nsenter -t PID -n iptables-save    # on its node, PID of one in the pod
    nft list ruleset | grep POD_IP    # on its node
Fix:
    Remove the rule; who wrote it writes it again (an init container, a DaemonSet, a chaos experiment).
See:
    https://man7.org/linux/man-pages/man7/network_namespaces.7.html
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, PacketEvidence
from kubectl_refused.model.facts import (
    HANDSHAKE,
    INSIDE,
    LISTENERS,
    NAMESPACE,
    POLICIES_IN,
    InsideDial,
    NamespaceKey,
)
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Listeners, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.denials import egress_denial, ingress_denial
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.silence import queued
from kubectl_refused.trace.sockets import Standing, standing

_STOPPED = frozenset({Outcome.TIMEOUT, Outcome.REFUSED})


@cause(
    "KR318",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, INSIDE, LISTENERS, NAMESPACE, POLICIES_IN},
    produces={Symptom.SILENCE, Symptom.RST},
    since="0.2",
    needs_symptom=True,
)
def rules_drop_before_listener(scene: Scene) -> Iterator[Finding]:
    """Yield when a listening pod is silent or refuses, no policy denies it, and a dial inside tells where."""
    seen, pod = scene.dialled, scene.pod
    if seen is None or pod is None or seen.outcome not in _STOPPED or not seen.first_hand:
        return
    if not scene.vantage.is_pod or pod.spec.host_network or _denied(scene, pod):
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None or standing(listeners.sockets, seen.host, seen.port) is not Standing.OPEN:
        return
    if queued(scene, pod, seen) is not None:
        return  # a listener whose queue is full is silent, too
    if _takes_ipv6_only(scene, pod, listeners, seen):
        return
    inside = scene.maybe(INSIDE, InsideDial(pod.metadata.namespace, pod.metadata.name, seen.host, seen.port))
    if inside is None:
        return
    proof: list[Evidence] = [packet(scene, seen), sockets(pod, listeners), _inside(pod, inside)]
    name = pod.metadata.name
    if inside.outcome is seen.outcome:
        yield _finding(scene, seen, tuple(proof), f"in the network of pod {name} itself", Certainty.PROVED)
    elif inside.outcome is Outcome.ACCEPTED and (near := _from_its_node(scene, pod, seen)):
        proof += [packet(place, one) for place, one in near if one is not seen]
        where = f"of {pod.spec.node_name} or in the network of pod {name}"
        yield _finding(scene, seen, tuple(proof), where, Certainty.LIKELY)


def _takes_ipv6_only(scene: Scene, pod: Pod, listeners: Listeners, seen: Handshake) -> bool:
    """Whether its IPv6 wildcard refuses IPv4 by itself, as 127.0.0.1 inside the pod tells (IPV6_V6ONLY)."""
    here = [one for one in listeners.sockets if one.port == seen.port]
    if seen.outcome is not Outcome.REFUSED or ":" in seen.host or not all(":" in one.address for one in here):
        return False
    meta = pod.metadata
    local = scene.maybe(INSIDE, InsideDial(meta.namespace, meta.name, "127.0.0.1", seen.port))
    return local is not None and local.outcome is Outcome.REFUSED


def _denied(scene: Scene, pod: Pod) -> bool:
    """Whether a NetworkPolicy explains it, or might as it could not be read."""
    spaces = dict.fromkeys((pod.metadata.namespace, scene.vantage.namespace or scene.target.namespace))
    if any(scene.maybe(POLICIES_IN, NamespaceKey(space)) is None for space in spaces):
        return True
    return ingress_denial(scene) is not None or egress_denial(scene) is not None


def _from_its_node(scene: Scene, pod: Pod, seen: Handshake) -> list[tuple[Scene, Handshake]]:
    """The dials from the pod's own node, where all of them end alike: then it is not the way between nodes."""
    places = [p for p in (scene, *scene.siblings) if p.vantage.is_pod and p.vantage.node == pod.spec.node_name]
    dials = [(p, p.handshake(replace(scene.endpoint_dial, at=p.vantage.key))) for p in places]
    made = [(p, h) for p, h in dials if h is not None]
    return made if all(h.outcome is seen.outcome for _, h in made) else []


def _inside(pod: Pod, inside: Handshake) -> PacketEvidence:
    ended = {Outcome.ACCEPTED: "accepts", Outcome.TIMEOUT: "gives no answer", Outcome.REFUSED: "refuses"}
    says = f"dialled from inside the pod {inside.host}:{inside.port} {ended.get(inside.outcome, inside.outcome)}"
    return PacketEvidence(
        witness=inside.witness,
        subject=f"pod/{pod.metadata.name}",
        says=says,
        address=f"{inside.host}:{inside.port}",
        outcome=inside.outcome.value,
        seconds=round(inside.seconds, 4),
    )


def _finding(
    scene: Scene, seen: Handshake, proof: tuple[Evidence, ...], where: str, certainty: Certainty
) -> Finding:
    assert scene.pod is not None
    name = scene.pod.metadata.name
    drop = "drop" if seen.outcome is Outcome.TIMEOUT else "reject"
    return Finding(
        where=f"pod/{name}",
        says=f"the process in {name} listens on {seen.port}, and rules {where} {drop} packets before it",
        headline=f"rules {where} {drop} packets before its listener",
        certainty=certainty,
        evidence=proof,
        fix=Fix(
            summary=f"Find the rule on {scene.pod.spec.node_name or 'its node'}, first in the pod itself, and "
            "remove it where it is written; without access to the node it cannot be named"
        ),
    )
