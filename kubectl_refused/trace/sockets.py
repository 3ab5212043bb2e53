"""Listening sockets against the address a packet is sent to. Pure.

A SYN for address and port meets a socket bound to exactly that address, or to the wildcard of its family;
[::] takes IPv4 too unless IPV6_V6ONLY is set (ipv6(7)), which /proc/net/tcp6 does not show.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import ip_address

from kubectl_refused.model.observation import Socket


class Standing(StrEnum):
    """How a port of a network namespace stands to packets for one of its addresses."""

    OPEN = "open"
    LOOPBACK = "loopback only"
    OTHER_FAMILY = "other family only"
    OTHER_ADDRESS = "other address only"
    ABSENT = "nothing"


def is_loopback(address: str) -> bool:
    """Whether a bound address is of lo only, IPv4 or IPv6."""
    return ip_address(address).is_loopback


def takes(socket: Socket, address: str) -> bool:
    """Whether the socket is bound so that packets for `address` reach it."""
    bound, wanted = ip_address(socket.address), ip_address(address)
    if bound == wanted:
        return True
    if not bound.is_unspecified:
        return False
    return bound.version == wanted.version or (bound.version == 6 and not socket.v6only)


def standing(sockets: Iterable[Socket], address: str, port: int) -> Standing:
    """How `port` stands to packets for `address`, from the listening sockets alone."""
    here = [s for s in sockets if s.port == port]
    if not here:
        return Standing.ABSENT
    if any(takes(s, address) for s in here):
        return Standing.OPEN
    if all(is_loopback(s.address) for s in here):
        return Standing.LOOPBACK
    if any(ip_address(s.address).is_unspecified for s in here):
        return Standing.OTHER_FAMILY
    return Standing.OTHER_ADDRESS


def reachable_ports(sockets: Iterable[Socket], address: str) -> tuple[int, ...]:
    """Ports on which packets for `address` find a listener, lowest first."""
    return tuple(sorted({s.port for s in sockets if takes(s, address)}))


def likeliest_port(ports: Iterable[int], said: Iterable[int]) -> int | None:
    """Of several listening ports the one probably meant: first what the pod's spec mentions, then the lowest."""
    wanted = list(ports)
    mentioned = [p for p in said if p in wanted]
    return next(iter(mentioned or wanted), None)


def shown(sockets: Iterable[Socket]) -> str:
    """`127.0.0.1:8080, [::1]:8080`, each once."""
    return ", ".join(dict.fromkeys(s.shown for s in sockets))
