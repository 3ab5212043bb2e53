"""Addresses in words, and kinds of IP addresses. Pure."""

from __future__ import annotations

from ipaddress import ip_address

LOCALHOST = ("localhost", "localhost.localdomain", "ip6-localhost")


def is_ip(host: str) -> bool:
    """Whether it is an address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether it is this machine, by name or by address; an empty host is."""
    return not host or host in LOCALHOST or (is_ip(host) and ip_address(host).is_loopback)


def special(address: str) -> str:
    """What kind of address this is that no pod has: `a link-local address`; empty for any other."""
    try:
        given = ip_address(address)
    except ValueError:
        return ""
    parsed = getattr(given, "ipv4_mapped", None) or given
    kinds = {
        "a loopback address": parsed.is_loopback,
        "a link-local address": parsed.is_link_local,
        "a multicast address": parsed.is_multicast,
        "no host's address": parsed.is_unspecified or str(parsed) == "255.255.255.255",
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def place(host: str, port: int) -> str:
    """`10.0.0.1:80`, `[fd00::1]:80`, `db.example:5432`; a name without the dot that makes it absolute."""
    return f"[{host}]:{port}" if ":" in host else f"{host.rstrip('.')}:{port}"
