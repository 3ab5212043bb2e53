"""The network path to a pod is broken: it listens, and no packet gets there.

Why it refuses:
    A pod's address leads over its node's route and its veth into the pod's network namespace. Where one of them is
    gone or down (a network plugin that failed half-way, routes that a restart lost, no tunnel between two nodes)
    the SYN is lost or its node says host unreachable, while the process listens as ever. Readiness probes pass
    where they run inside the container; the port-forward works, as it starts inside the namespace, too.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp    # it listens; then, on its node: ip route get POD_IP; ip link
Fix:
    Restart the network plugin's pod of that node and make the pod anew.
See:
    https://kubernetes.io/docs/concepts/cluster-administration/networking/
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.denials import egress_denial, ingress_denial
from kubectl_refused.trace.offenders import offender_told
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.sockets import Standing, standing

_LOST = frozenset({Outcome.TIMEOUT, Outcome.UNREACHABLE})
_HOST_UNREACHABLE = frozenset({(3, 0), (3, 1), (1, 0), (1, 3)})  # RFC 792, RFC 4443: no route, nobody at home


@cause(
    "KR316",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN},
    produces=Symptom.SILENCE,
    since="0.2",
    needs_symptom=True,
)
def packets_do_not_reach_pod(scene: Scene) -> Iterator[Finding]:
    """Yield when a listening pod gives no answer, no policy denies it, and a router or another node tells more."""
    seen, pod = scene.dialled, scene.pod
    if seen is None or pod is None or seen.outcome not in _LOST or not seen.first_hand:
        return
    if not scene.vantage.is_pod or pod.spec.host_network or not _holds(pod, seen.host):
        return
    if _rule_said_so(seen) or _denied(scene, pod):
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None or standing(listeners.sockets, seen.host, seen.port) is not Standing.OPEN:
        return
    same, others = _elsewhere(scene, pod)
    node = pod.spec.node_name or "its node"
    between = same is not None and same[1].outcome is Outcome.ACCEPTED
    if between:
        told = f"from {node} itself it answers, from {scene.vantage.node} it does not"
    elif _nobody_home(seen):
        told = f"{offender_told(seen, scene)} cannot deliver to its address"
    else:
        return  # silence alone may be a full queue, rules before the pod (KR318), or a policy of another kind
    evidence: list[Evidence] = [packet(scene, seen), sockets(pod, listeners)]
    evidence += [packet(place, one) for place, one in ([same] if same else []) + others]
    name = pod.metadata.name
    yield Finding(
        where=f"pod/{name}",
        says=f"the process in {name} listens on {seen.port}, and packets do not get there: {told}",
        headline=f"packets do not reach pod {name}, which listens: {told}",
        certainty=Certainty.PROVED if _nobody_home(seen) else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(summary=_fix(scene, name, node, between=between)),
    )


def _holds(pod: Pod, address: str) -> bool:
    """Whether the address is the pod's own still: an endpoint of former times is another fault."""
    status = pod.status
    mine = {one.ip for one in (status.pod_ips if status else None) or ()} | {(status.pod_ip if status else "")}
    return address in mine


def _nobody_home(seen: Handshake) -> bool:
    """Whether a router said that it cannot deliver: a route or a neighbour is missing; no rule sends this."""
    return seen.icmp is not None and (seen.icmp.type, seen.icmp.code) in _HOST_UNREACHABLE


def _rule_said_so(seen: Handshake) -> bool:
    return seen.icmp is not None and not _nobody_home(seen)


def _denied(scene: Scene, pod: Pod) -> bool:
    """Whether a NetworkPolicy explains it, or might as it could not be read."""
    spaces = dict.fromkeys((pod.metadata.namespace, scene.vantage.namespace or scene.target.namespace))
    if any(scene.maybe(POLICIES_IN, NamespaceKey(space)) is None for space in spaces):
        return True
    return ingress_denial(scene) is not None or egress_denial(scene) is not None


def _elsewhere(scene: Scene, pod: Pod) -> tuple[tuple[Scene, Handshake] | None, list[tuple[Scene, Handshake]]]:
    """(the dial from the pod's own node, those from other nodes) of the other vantages of this run."""
    same: tuple[Scene, Handshake] | None = None
    others: list[tuple[Scene, Handshake]] = []
    for place in scene.siblings:
        if not place.vantage.is_pod or place.vantage.node == scene.vantage.node:
            continue
        seen = place.known(HANDSHAKE, replace(scene.endpoint_dial, at=place.vantage.key))
        if seen is not None and place.vantage.node == pod.spec.node_name:
            same = (place, seen)
        elif seen is not None:
            others.append((place, seen))
    return same, others


def _fix(scene: Scene, name: str, node: str, *, between: bool) -> str:
    if between:
        return f"Mend the route from {scene.vantage.node} to the pods of {node}: restart the network plugin there"
    return f"Restart the network plugin of {node}, then delete pod/{name} so that its network is made anew"
