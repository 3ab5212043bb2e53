"""The walk of an Ingress or a route: every door, and behind each the Service with its own path. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubectl_refused.model.entrances import Door, Entry
from kubectl_refused.model.facts import HANDSHAKE, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import HERE, Depth, Target, Vantage

from .doors import led_to
from .entrances import doors_of
from .entries import as_dialled, bare_dials
from .walks import Stop

MOST_DOORS = 50


def scenes(target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage) -> tuple[Scene, ...]:
    """For each door those of the Service behind it; where there is none, or no door, one of the entrance's own."""
    bare = Scene(target, vantage, snapshot, facts)
    found = [scene for door in doors_of(target, snapshot)[:MOST_DOORS] for scene in _through(door, bare)]
    return tuple(found) or (replace(bare, ways=bare_dials(bare)),)


def _through(door: Door, bare: Scene) -> tuple[Scene, ...]:
    from .scenes import scenes as scenes_of  # which loads this module in turn

    here = bare.vantage.key == HERE
    if isinstance(door, Entry):
        door = as_dialled(door, here=here)
    behind = led_to(door, bare.snapshot, bare.target.kubectl)
    # A machine outside dials the address and nothing behind it, which is not for it to reach.
    if behind is None or (isinstance(door, Entry) and here):
        at = replace(bare, door=door)
        return (replace(at, ways=(at.door_dial,) if at.door_dial else ()),)
    found = scenes_of(behind, bare.snapshot, bare.facts, bare.vantage)
    return tuple(replace(scene, door=door) for scene in found)


def questions(scene: Scene) -> Iterator[Need]:
    """An address itself; what else is dialled is behind a door, and asked for there."""
    yield from (Need(HANDSHAKE, dial) for dial in scene.ways)


def not_walked(target: Target, snapshot: Snapshot, depth: Depth) -> Iterator[Gap]:
    """Doors beyond the bound, and backends that are no Services."""
    doors = doors_of(target, snapshot)
    if len(doors) > MOST_DOORS:
        yield Gap(
            f"{len(doors) - MOST_DOORS} more rules of {target}", f"only the first {MOST_DOORS} were followed"
        )
    for door in doors[:MOST_DOORS]:
        if door.kind != "Service":
            yield Gap(f"{door.backend} behind {door.rule}", "it is no Service, and only its controller knows it")


def stops(scene: Scene) -> Sequence[Stop]:
    """The rule; what stands behind it is drawn by the Service's own path."""
    return (Stop(scene.door.rule, frozenset({"rule"})),) if scene.door else ()
