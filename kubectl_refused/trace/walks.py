"""How targets that are no Services go through the pipeline: each kind has a walk. Pure.

A walk makes the scenes of a target, says what each asks of the network by itself, what of the target no scene
covers, and draws the path. All else (rounds, causes, verdict, renderers) is the same for every kind of target.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

from msgspec import Struct

from kubectl_refused.model.facts import FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import ENTRANCES, OF_PODS, Depth, Target, Vantage


class Stop(Struct, frozen=True):
    """One step of the picture behind the entrance; `hops` are those of causes (HOPS) whose faults lie there."""

    label: str
    hops: frozenset[str]


class Walk(Protocol):
    """What a kind of target has of its own: a module of this package with these functions."""

    def scenes(
        self, target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage
    ) -> tuple[Scene, ...]: ...

    def questions(self, scene: Scene) -> Iterator[Need]: ...

    def not_walked(self, target: Target, snapshot: Snapshot, depth: Depth) -> Iterator[Gap]: ...

    def stops(self, scene: Scene) -> Sequence[Stop]:
        """The steps behind the entrance, at most three; a fault of any other hop lies at the entrance."""
        ...


# Loaded when such a target is asked about, and not by those who ask about a Service.
_MODULES: dict[str, str] = {"Container": "container_walk", "Compose": "container_walk", "Address": "address_walk"}
_MODULES |= {**dict.fromkeys(ENTRANCES, "entrance_walk"), **dict.fromkeys(OF_PODS, "pod_walk")}


def walk_of(target: Target) -> Walk:
    """The walk of a target that is no Service."""
    return cast(Walk, importlib.import_module(f"{__package__}.{_MODULES[target.kind]}"))
