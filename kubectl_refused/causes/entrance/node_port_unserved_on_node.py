"""One node does not serve a nodePort that works elsewhere.

Why it refuses:
    Each node serves nodePorts by rules of its own, written by its kube-proxy (or what replaces it), and bound to
    the addresses that it was told (nodePortAddresses). Where those are missing, behind, or bound to another
    interface, or a firewall of that node drops the port, that node refuses or is silent, and the Service works by
    every other way.
Confirm:
    kubectl get pods -n kube-system -o wide -l k8s-app=kube-proxy    # on that node
Fix:
    Mend or restart kube-proxy on that node; look at its nodePortAddresses and firewall.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NODES, ClusterKey
from kubectl_refused.model.objects import Node
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.entries import family_missing, lacks_local_endpoint, node_address, sound
from kubectl_refused.trace.proofs import packet

MOST_OTHERS = 3


@cause("KR836", scope=Scope.ENTRANCE, reads={HANDSHAKE, NODES}, produces=Symptom.REJECT, since="0.3")
def node_port_unserved_on_node(scene: Scene) -> Iterator[Finding]:
    """Yield when a pod gets no accept from the node at the nodePort, while the Service's own address accepts."""
    door, dial, service = scene.door, scene.door_dial, scene.service
    if not isinstance(door, Entry) or not isinstance(door.owner, Node) or dial is None or service is None:
        return
    seen, inner = scene.maybe(HANDSHAKE, dial), scene.entrance_dial
    if seen is None or seen.outcome is Outcome.ACCEPTED or family_missing(door, service):
        return
    if lacks_local_endpoint(door, scene.snapshot):
        return
    within = scene.maybe(HANDSHAKE, inner) if inner else None
    if within is None or within.outcome is not Outcome.ACCEPTED:
        return  # then it is no matter of this node
    served = {name: one for name, one in _others(scene, door).items() if one.outcome is Outcome.ACCEPTED}
    name, shown = door.owner.metadata.name, place(dial.host, dial.port)
    elsewhere = (
        f"; {', '.join(served)} does" if len(served) == 1 else f"; {', '.join(served)} do" if served else ""
    )
    yield Finding(
        where=f"{shown} of node/{name}",
        says=f"{name} does not accept at nodePort {door.number}{elsewhere}; {scene.asked} works inside",
        headline=f"{name} does not serve nodePort {door.number}" + (", other nodes do" if served else ""),
        certainty=Certainty.PROVED if served else Certainty.LIKELY,
        evidence=(packet(scene, seen), packet(scene, within), *(packet(scene, one) for one in served.values())),
        fix=Fix(
            summary=f"Mend kube-proxy (or what replaces it) on {name}: its rules, nodePortAddresses, firewall"
        ),
    )


def _others(scene: Scene, door: Entry) -> dict[str, Handshake]:
    """The same port of a few other nodes that say they are ready, by their names."""
    assert scene.door_dial is not None
    ipv6 = ":" in door.address
    nodes = [n for n in scene.maybe(NODES, ClusterKey()) or () if n.metadata.name != door.owner.metadata.name]
    dials = {n.metadata.name: node_address(n, ipv6=ipv6) for n in nodes if sound(n)}
    asked = [(name, at) for name, at in dials.items() if at][:MOST_OTHERS]
    seen = ((name, scene.maybe(HANDSHAKE, replace(scene.door_dial, host=at))) for name, at in asked)
    return {name: one for name, one in seen if one is not None}
