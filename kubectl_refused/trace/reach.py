"""Who can reach a socket of this machine, by the address it is bound to. Pure."""

from __future__ import annotations

from ipaddress import ip_address

from kubectl_refused.model.observation import Socket


def reach(socket: Socket) -> str:
    """`this machine only`, `all interfaces` with the family that is left out, or `one address`."""
    address = ip_address(socket.address)
    if address.is_loopback:
        return "this machine only"
    if not address.is_unspecified:
        return "this link only" if address.is_link_local else "one address"
    if address.version == 4:
        return "all interfaces, IPv4 only"
    if socket.v6only is None:
        return "all interfaces, IPv4 unless IPV6_V6ONLY is set"
    return "all interfaces, IPv6 only" if socket.v6only else "all interfaces"
