"""Evidence that many causes give, said in one way."""

from __future__ import annotations

from ipaddress import ip_address

from kubectl_refused.judge.tellings import dial_told, icmp_told
from kubectl_refused.model.evidence import NearestEvidence, ObjectEvidence, PacketEvidence, SocketEvidence
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Listeners
from kubectl_refused.model.scene import Scene

from .addresses import place
from .sockets import shown


def source_address(scene: Scene, handshake: Handshake) -> str:
    """The address a dial left from, empty where nobody tells: a dual-stack vantage names one of its two only."""
    for address in (handshake.source, scene.vantage.address):
        try:
            if ip_address(address).version == ip_address(handshake.host).version:
                return address
        except ValueError:  # a source such as "the API server", a host that is a name
            continue
    return ""


def packet(scene: Scene, handshake: Handshake) -> PacketEvidence:
    """A dial and how it ended."""
    address = place(handshake.host, handshake.port)
    return PacketEvidence(
        witness=f"{handshake.witness} ({scene.vantage})",
        subject=address,
        says=dial_told(handshake, scene),
        address=address,
        outcome=handshake.outcome.value,
        seconds=round(handshake.seconds, 4),
        offender=handshake.icmp.offender if handshake.icmp and icmp_told(handshake) else "",
    )


def sockets(pod: Pod, listeners: Listeners) -> SocketEvidence:
    """Every listener of the pod."""
    # A pod on the host network shows every listener of its node, whoever's they are.
    name = f"the node of {pod.metadata.name}" if pod.spec.host_network else pod.metadata.name
    owners = ", ".join(dict.fromkeys(s.owner for s in listeners.sockets if s.owner))
    told = f"{shown(listeners.sockets)} LISTEN in {name}" if listeners.sockets else f"no TCP listener in {name}"
    return SocketEvidence(
        witness=listeners.witness,
        subject=f"pod/{pod.metadata.name}",
        says=told + (f", {owners}" if owners and not pod.spec.host_network else ""),
        listeners=tuple(dict.fromkeys(s.shown for s in listeners.sockets)),
        process=owners,
    )


def field(scene: Scene, subject: str, path: str, value: object, says: str) -> ObjectEvidence:
    """A field of an API object (or of a manifest)."""
    witness = "files" if scene.from_files else "api server"
    return ObjectEvidence(witness=witness, subject=subject, says=says, field=path, value=value)


def nearest_miss(
    scene: Scene, subject: str, key: str, wanted: str | None, found: str | None, says: str
) -> NearestEvidence:
    """Two names that were to be the same, as a difference: `wanted` by whoever refers, `found` at `subject`."""
    witness = "files" if scene.from_files else "api server"
    return NearestEvidence(witness=witness, subject=subject, says=says, differs={key: (wanted, found)})


def service_subject(scene: Scene) -> str:
    """`service/web`."""
    return f"service/{scene.target.name}"
