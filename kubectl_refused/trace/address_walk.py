"""The walk of a host and port. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.model.facts import HANDSHAKE, Dial, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target, Vantage

from .walks import Stop


def scenes(target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage) -> tuple[Scene, ...]:
    """One, with the address that was typed."""
    host = target.name or "localhost"
    family = "IPv6" if ":" in host else "IPv4"
    ways = (Dial(host, int(target.port or 0), vantage.key),)
    return (Scene(target, vantage, snapshot, facts, family=family, ways=ways),)  # type: ignore[arg-type]


def questions(scene: Scene) -> Iterator[Need]:
    """Each way in."""
    yield from (Need(HANDSHAKE, dial) for dial in scene.ways)


def not_walked(target: Target, snapshot: Snapshot, depth: Depth) -> Iterator[Gap]:
    """Nothing is left out."""
    yield from ()


def stops(scene: Scene) -> Sequence[Stop]:
    """Nothing is known of what stands behind the address."""
    return ()
