"""The picture of a path through an entrance: what takes the connection, its rule, and the Service behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from kubectl_refused.causes import HOPS_OF
from kubectl_refused.model.entrances import Door
from kubectl_refused.model.report import Hop, Root
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entrances import entrance_subject

ENTRANCE_HOPS = tuple(hop for hop in HOPS_OF["Ingress"] if hop not in HOPS_OF["Service"])
Status = Literal["ok", "broken", "unknown"]


def to_the_rule(scene: Scene, door: Door, root: Root | None, hop: str) -> Iterator[Hop]:
    """client, entrance and rule, up to the one that is broken, where that is before the Service."""
    note = root.says if root else ""
    yield Hop(role="client", label=door.client, status="start")
    if hop == "entrance":
        yield Hop(role="entrance", label=entrance_subject(door.owner), status="broken", note=note)
        return
    status: Status = "broken" if hop else "unknown"
    yield Hop(role="entrance", label=entrance_subject(door.owner), status="ok" if hop else "unknown")
    yield Hop(role="name", label=f"{door.rule} → {door.backend}", status=status, note=note)


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
