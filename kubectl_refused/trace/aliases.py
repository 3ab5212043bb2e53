"""Where an ExternalName leads, as far as the name itself tells, and which port is dialled there. Pure."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import Struct

from kubectl_refused.model.objects import Service
from kubectl_refused.model.target import Target


class Inside(Struct, frozen=True):
    """A Service of this cluster."""

    name: str
    namespace: str


def inside(alias: str) -> Inside | None:
    """`web.shop.svc`, with or without the cluster's domain; None for a name that is none of a Service."""
    parts = alias.rstrip(".").split(".")
    return Inside(parts[0], parts[1]) if len(parts) >= 3 and parts[2] == "svc" else None


def outside(alias: str) -> str:
    """The host as it is dialled: absolute, as no search list is tried for an alias; empty where it is none.

    An address there is a name of digits to DNS (kubernetes.io, "ExternalName"), which nobody resolves.
    """
    name = alias.rstrip(".")
    if not name or inside(alias) or is_address(name):
        return ""
    return f"{name}."


def is_address(alias: str) -> bool:
    """Whether it is an IP address, which is no name."""
    try:
        ip_address(alias.rstrip("."))
    except ValueError:
        return False
    return True


def alias_ports(target: Target, service: Service) -> tuple[int, ...]:
    """The ports that clients of an alias dial: the one asked for, or those it lists, although DNS ignores them."""
    listed = [p for p in service.spec.ports or () if p.protocol == "TCP"]
    if target.port is None:
        return tuple(dict.fromkeys(p.port for p in listed))
    if target.port.isdecimal():
        return (int(target.port),)
    return tuple(p.port for p in listed if p.name == target.port)[:1]
