"""Where an ExternalName leads, as far as the name itself tells. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Inside(NamedTuple):
    """A Service of this cluster."""

    name: str
    namespace: str


def inside(alias: str) -> Inside | None:
    """`web.shop.svc`, with or without the cluster's domain; None for a name that is none of a Service."""
    parts = alias.rstrip(".").split(".")
    return Inside(parts[0], parts[1]) if len(parts) >= 3 and parts[2] == "svc" else None
