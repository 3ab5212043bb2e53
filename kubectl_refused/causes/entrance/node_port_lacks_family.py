"""A node is dialled at an address of a family that the Service does not have.

Why it refuses:
    nodePorts and load balancers are served for the Service's own address families only (spec.ipFamilies; one of
    them unless ipFamilyPolicy says otherwise). A node may have addresses of both: at those of the other family
    nobody answers for the Service, and localhost is often ::1 first.
Confirm:
    kubectl get svc NAME -o jsonpath='{.spec.ipFamilies} {.spec.ipFamilyPolicy}'
Fix:
    Dial the node's address of the Service's family, or set ipFamilyPolicy to PreferDualStack where the cluster has
    both.
See:
    https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Node
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entries import family_missing, node_address
from kubectl_refused.trace.proofs import field, packet


@cause("KR837", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.SILENCE, since="0.3")
def node_port_lacks_family(scene: Scene) -> Iterator[Finding]:
    """Yield when the address dialled is of a family that the Service lacks, and does not accept."""
    door, dial = scene.door, scene.door_dial
    if not isinstance(door, Entry) or not isinstance(door.owner, Node) or dial is None:
        return
    service = scene.snapshot.service(door.namespace, door.service)
    missing = family_missing(door, service) if service else ""
    if service is None or not missing:
        return
    seen = scene.maybe(HANDSHAKE, dial)
    if seen is not None and seen.outcome is Outcome.ACCEPTED:
        return  # by a program of the node's own, or a proxy in front
    subject, has = f"service/{door.service}", ", ".join(service.spec.ip_families or ())
    other = node_address(door.owner, ipv6=missing == "IPv4")
    says = f"{door.address} is {missing}, and spec.ipFamilies of {subject} is {has}"
    yield Finding(
        where=f"{subject}, spec.ipFamilies",
        says=says,
        headline=f"it is dialled over {missing}, and svc/{door.service} is {has} only",
        certainty=Certainty.PROVED if seen is not None else Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.ipFamilies", list(service.spec.ip_families or ()), says),
            *((packet(scene, seen),) if seen is not None else ()),
        ),
        fix=Fix(
            summary=f"Dial {other}:{door.number}, or set ipFamilyPolicy of svc/{door.service} to PreferDualStack"
            if other and ":" not in other
            else f"Set ipFamilyPolicy of svc/{door.service} to PreferDualStack"
        ),
    )
