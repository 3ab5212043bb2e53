"""What failed of a host and port, whether that host is this machine, and the evidence its causes share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from kubectl_refused.model.evidence import ObjectEvidence, SocketEvidence
from kubectl_refused.model.facts import HANDSHAKE, SPACES, UNITS, MachineKey, PortKey
from kubectl_refused.model.firewall import Action, Firewall
from kubectl_refused.model.host import HostSocket, HostSockets, Space, Unit
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene

from .addresses import place
from .firewalls import LOOPBACK, OUTSIDE, Packet, Stop, stops
from .units import names_port

# Of several addresses that all fail, the one that tells most: whoever answers tells more than a silence.
_TELLING = (
    Outcome.REFUSED,
    Outcome.REJECTED,
    Outcome.RESET,
    Outcome.DENIED,
    Outcome.TIMEOUT,
    Outcome.UNREACHABLE,
    Outcome.UNRESOLVED,
)
_ELSEWHERE = ("in-network", "in-container")
NEAR = 12  # ports this close are next door
MOST_NAMED = 4


def settled(scene: Scene) -> bool:
    """Whether every address was dialled, or never can be."""
    return bool(scene.ways) and all(scene.facts.get(HANDSHAKE, dial) is not None for dial in scene.ways)


def trouble(scene: Scene) -> Handshake | None:
    """The dial that tells why nothing accepted; None where one did, or not all were dialled."""
    seen = [known for dial in scene.ways if (known := scene.maybe(HANDSHAKE, dial))]
    if any(one.outcome is Outcome.ACCEPTED for one in seen):
        return None
    told = [one for one in seen if one.outcome in _TELLING]
    return min(told, key=lambda one: _TELLING.index(one.outcome), default=None)


def is_here(handshake: Handshake) -> bool:
    """Whether it went to this machine: to loopback, or its own address was the one it left from (ip(7)).

    What was dialled inside a container went to that container.
    """
    if handshake.witness in _ELSEWHERE:
        return False
    try:
        return ip_address(handshake.host).is_loopback or handshake.source == handshake.host
    except ValueError:
        return False


def on_port(sockets: Iterable[HostSocket], port: int, protocol: str = "tcp") -> tuple[HostSocket, ...]:
    """The sockets of a port and protocol."""
    return tuple(s for s in sockets if s.port == port and s.protocol == protocol)


def next_door(sockets: Iterable[HostSocket], port: int) -> tuple[HostSocket, ...]:
    """TCP listeners that may be meant: near, or with the same digits (80 and 8080, 443 and 8443, 5432, 5423)."""
    near = [s for s in sockets if s.protocol == "tcp" and s.port != port and _alike(s.port, port)]
    return tuple(sorted(near, key=lambda s: (abs(s.port - port), s.address))[:MOST_NAMED])


def _alike(one: int, other: int) -> bool:
    short, long = sorted((str(one), str(other)), key=len)
    doubled = long == short * 2 or (len(long) == len(short) + 1 and long.startswith(short) and long[-1] == "0")
    longer = len(short) > 2 and long.endswith(short)
    return abs(one - other) <= NEAR or doubled or longer or sorted(short) == sorted(long)


def down_for(scene: Scene, failed: Handshake, seen: HostSockets) -> Unit | None:
    """The service that is down and belongs on the port, where nothing listens there; of several the surest."""
    if on_port(seen.sockets, failed.port):
        return None
    units = scene.maybe(UNITS, PortKey(failed.port))
    known = units.units if units else ()
    named = (unit for unit in known if names_port(unit, failed.port))
    return next(named, next((unit for unit in known if unit.for_port), None))


def spaces_with(scene: Scene, failed: Handshake, seen: HostSockets) -> tuple[Space, ...]:
    """Other network namespaces in which the port is open, where nothing here is on it or near it."""
    here = [*on_port(seen.sockets, failed.port), *on_port(seen.sockets, failed.port, "udp")]
    if here or next_door(seen.sockets, failed.port):
        return ()
    spaces = scene.maybe(SPACES, MachineKey()) or ()
    return tuple(space for space in spaces if any(socket.port == failed.port for socket in space.sockets))


def owned(socket: HostSocket) -> str:
    """`nginx (pid 7) on 127.0.0.1:8080`, with its container or what it passes connections on to."""
    more = ", ".join(filter(None, (socket.container, f"to {socket.forwards}" if socket.forwards else "")))
    return f"{socket.owner or 'somebody'} on {socket.shown}" + (f" ({more})" if more else "")


def proof(sockets: HostSockets, shown: Sequence[HostSocket], says: str) -> SocketEvidence:
    """The sockets that prove it."""
    return SocketEvidence(
        witness=sockets.witness,
        subject="listening sockets",
        says=says,
        listeners=tuple(dict.fromkeys(s.shown for s in shown)),
        process=", ".join(dict.fromkeys(s.owner for s in shown if s.owner)),
    )


def stopping(firewall: Firewall, handshake: Handshake) -> Stop | None:
    """The rule of this machine that stops the dial, the surest; None where no rule may."""
    here = is_here(handshake)
    way = LOOPBACK if here else OUTSIDE
    packet = Packet(
        handshake.source, handshake.host, handshake.port, interface_in=way if here else "", interface_out=way
    )
    found = [*stops(firewall, packet, "output"), *(stops(firewall, packet, "input") if here else ())]
    fitting = [stop for stop in found if fits(stop, handshake)]
    return next((stop for stop in fitting if stop.certain), next(iter(fitting), None))


def fits(stop: Stop, handshake: Handshake) -> bool:
    """Whether what came back is what such a rule makes: silence, an RST, or an ICMP error (nft(8), REJECT)."""
    if stop.action is Action.DROP:
        return handshake.outcome is Outcome.TIMEOUT  # also of what this machine sends: TCP sends it again
    if stop.answer == "tcp reset":
        return handshake.outcome is Outcome.REFUSED
    return handshake.outcome in (Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.REFUSED)


def rule_told(firewall: Firewall, stop: Stop) -> ObjectEvidence:
    """The rule as its tool shows it."""
    text = stop.rule.text if stop.rule else f"policy {stop.action.value}"
    comment = f' "{stop.rule.comment}"' if stop.rule and stop.rule.comment else ""
    return ObjectEvidence(
        witness=stop.chain.tool, subject=stop.called, says=f"{text}{comment}", field=stop.chain.called, value=text
    )


def reached(handshake: Handshake) -> str:
    """`127.0.0.1:8080`."""
    return place(handshake.host, handshake.port)
