"""The picture of a path through an entrance: what takes the connection, its rule, and the Service behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from kubectl_refused.causes import HOPS_OF
from kubectl_refused.model.entrances import Door, Entry
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Hop, Root
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entrances import entrance_subject

from .tellings import signal_of

ENTRANCE_HOPS = tuple(hop for hop in HOPS_OF["Ingress"] if hop not in HOPS_OF["Service"])
Status = Literal["ok", "broken", "unknown"]


def to_the_rule(scene: Scene, door: Door, root: Root | None, hop: str) -> Iterator[Hop]:
    """client, entrance and rule, up to the one that is broken, where that is before the Service."""
    note = root.says if root else ""
    yield Hop(role="client", label=door.client, status="start")
    if isinstance(door, Entry):
        yield from _to_the_address(scene, door, note, broken=bool(hop))
        return
    if hop == "entrance":
        yield Hop(role="entrance", label=entrance_subject(door.owner), status="broken", note=note)
        return
    status: Status = "broken" if hop else "unknown"
    yield Hop(role="entrance", label=entrance_subject(door.owner), status="ok" if hop else "unknown")
    yield Hop(role="name", label=f"{door.rule} → {door.backend}", status=status, note=note)


def _to_the_address(scene: Scene, door: Entry, note: str, *, broken: bool) -> Iterator[Hop]:
    """The node or load balancer, and its address as it was dialled."""
    seen = scene.handshake(scene.door_dial)
    accepted = seen is not None and seen.outcome is Outcome.ACCEPTED
    told = "  ".join(filter(None, (signal_of(seen, scene) if seen and not accepted else "", note)))
    status: Status = "unknown" if seen is None else "ok" if accepted else "broken"
    if not door.address:
        yield Hop(role="entrance", label=entrance_subject(door.owner), status="broken", note=note)
        return
    yield Hop(role="entrance", label=entrance_subject(door.owner), status="ok")
    yield Hop(role="name", label=door.rule, status="broken" if broken else status, note=told)


def door_fails(scene: Scene) -> bool:
    """Whether the address in front was dialled and did not accept."""
    seen = scene.handshake(scene.door_dial)
    return seen is not None and seen.outcome is not Outcome.ACCEPTED


def through(scene: Scene, door: Door, drawn: Sequence[Hop]) -> tuple[Hop, ...]:
    """The Service's own path with the entrance in front of it: what stands there is not what is broken."""
    client, service, *rest = drawn
    return (
        replace(client, label=door.client),
        Hop(role="entrance", label=entrance_subject(door.owner), status="ok"),
        Hop(role="name", label=door.rule, status="ok"),
        service,
        *rest,
    )
