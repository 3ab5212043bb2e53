"""A nodePort or a load balancer answers inside the cluster, and not from here.

Why it refuses:
    Pods reach a node's ports on the cluster's own network. Whoever comes from outside crosses what stands before
    it: a cloud's security group, a firewall of the node or of the network, a VPN, loadBalancerSourceRanges. Where
    that lets ports 30000 to 32767, or this client, not through, its packets are dropped (a timeout) or rejected.
Confirm:
    nc -vz NODE NODEPORT    # from outside, and from a pod
Fix:
    Open the port in front of the nodes for this client, or go in by an entrance that is open.
See:
    https://kubernetes.io/docs/reference/networking/ports-and-protocols/
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import HERE
from kubectl_refused.trace.addresses import place, special
from kubectl_refused.trace.entrances import entrance_subject
from kubectl_refused.trace.entries import lacks_local_endpoint
from kubectl_refused.trace.proofs import field, packet

INSIDE = ""  # the key of the probe pod that stands for anybody in the cluster
_CLOSED = {Outcome.TIMEOUT, Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.REFUSED}


@cause("KR834", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.SILENCE, since="0.3")
def closed_to_outside(scene: Scene) -> Iterator[Finding]:
    """Yield when this machine gets no accept from an address at which a pod gets one."""
    door, dial = scene.door, scene.door_dial
    if not isinstance(door, Entry) or dial is None or scene.vantage.key != HERE or special(dial.host):
        return
    seen = scene.maybe(HANDSHAKE, dial)
    if seen is None or seen.outcome not in _CLOSED or lacks_local_endpoint(door, scene.snapshot):
        return
    inside = scene.maybe(HANDSHAKE, replace(dial, at=INSIDE))
    if inside is None or inside.outcome is not Outcome.ACCEPTED:
        return
    shown, ranges = place(dial.host, dial.port), _ranges(door)
    evidence: list[Evidence] = [packet(scene, seen), _from_inside(scene, inside)]
    if ranges:
        told = f"spec.loadBalancerSourceRanges is {', '.join(ranges[:4])}"
        evidence.append(field(scene, f"service/{door.service}", "spec.loadBalancerSourceRanges", ranges, told))
    yield Finding(
        where=f"{shown} of {entrance_subject(door.owner)}, from this machine",
        says=f"{shown} accepts in the cluster and not from here" + (f"; {told}" if ranges else ""),
        headline=f"{shown} is closed to clients outside the cluster, and works inside",
        # A load balancer's address is answered by the nodes themselves inside the cluster.
        certainty=Certainty.LIKELY if isinstance(door.owner, Service) else Certainty.PROVED,
        evidence=tuple(evidence),
        fix=Fix(
            summary="Add this machine's address to loadBalancerSourceRanges"
            if ranges
            else f"Open port {door.number} in front of the nodes (security group, firewall) for this machine"
        ),
    )


def _ranges(door: Entry) -> tuple[str, ...]:
    return door.owner.spec.load_balancer_source_ranges or () if isinstance(door.owner, Service) else ()


def _from_inside(scene: Scene, inside: Handshake) -> Evidence:
    from msgspec.structs import replace

    return replace(packet(scene, inside), witness=f"{inside.witness} (a pod)")
