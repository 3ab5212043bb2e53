"""A nodePort is dialled at localhost, where this cluster does not serve it.

Why it refuses:
    A nodePort is served at the nodes' addresses. At 127.0.0.1 of a node only kube-proxy in iptables mode serves it
    (by route_localnet); in nftables and ipvs mode, over IPv6, and with most replacements of it nobody does.
    On a machine that is no node, localhost is that machine itself.
Confirm:
    kubectl get nodes -o wide    # INTERNAL-IP; then nc -vz ADDRESS NODEPORT
Fix:
    Dial the node's own address.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/#nftables-proxy-mode
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Entry
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Node
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import HERE
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.entries import node_address
from kubectl_refused.trace.proofs import packet


@cause("KR835", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.RST, since="0.3")
def node_port_not_on_loopback(scene: Scene) -> Iterator[Finding]:
    """Yield when localhost does not accept and the node's own address does, both dialled from here."""
    door, dial = scene.door, scene.door_dial
    if not isinstance(door, Entry) or dial is None or scene.vantage.key != HERE or not _is_loopback(dial.host):
        return
    node = door.owner if isinstance(door.owner, Node) else None
    address = node_address(node) if node else ""
    seen = scene.maybe(HANDSHAKE, dial)
    if node is None or not address or seen is None or seen.outcome is Outcome.ACCEPTED:
        return
    served = scene.maybe(HANDSHAKE, replace(dial, host=address))
    if served is None or served.outcome is not Outcome.ACCEPTED:
        return
    there, here = place(address, dial.port), place(dial.host, dial.port)
    yield Finding(
        where=f"{here} on this machine",
        says=f"{here} does not accept, and {there} of node/{node.metadata.name} does",
        headline=f"nodePort {door.number} is served at the nodes' addresses, and not at localhost",
        evidence=(packet(scene, seen), packet(scene, served)),
        fix=Fix(summary=f"Dial {there}"),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
