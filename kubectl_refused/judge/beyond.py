"""Where the connection goes on: the Service behind a proxy, judged as if it had been asked for.

Its objects come from facts, one namespace each, so a walk of two Services costs three reads more. One step only: a
proxy behind a proxy is told, and not walked on from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace as changed
from typing import Any

from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.model.evidence import Onward
from kubectl_refused.model.facts import PODS_IN, SERVICES_IN, SLICES_IN, Fact, NamespaceKey, Need
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Coverage, SeenObject, Snapshot, key_of
from kubectl_refused.trace.questions import questions
from kubectl_refused.trace.rulings import Found, Ruling, rule
from kubectl_refused.trace.scenes import scenes

from .absorb import root_of

_READ: tuple[tuple[str, Fact[Any]], ...] = (
    ("Service", SERVICES_IN),
    ("EndpointSlice", SLICES_IN),
    ("Pod", PODS_IN),
)


def beyond(ruling: Ruling) -> tuple[Found, ...]:
    """Findings about the Service that the root's connection goes on to."""
    return tuple(found for one in _rulings(ruling) for found in one.found)


def open_beyond(rulings: Iterable[Ruling]) -> list[Need]:
    """What the walk behind them lacks: its objects first, then what the scene asks and its causes."""
    needs: list[Need] = []
    for ruling in rulings:
        for scene, onward in _onwards(ruling):
            lacking = _lacking(scene, onward)
            needs += lacking or _asked(_rulings(ruling))
    return list(dict.fromkeys(needs))


def widened(snapshot: Snapshot, rulings: Iterable[Ruling]) -> Snapshot:
    """The snapshot with what was read of the Services there, by which methods know what may be dialled."""
    found = [_snapshot(scene, onward.namespace) for r in rulings for scene, onward in _onwards(r)]
    wider = [one for one in found if one is not None]
    if not wider:
        return snapshot
    objects = {key: value for one in wider for key, value in one.objects.items()}
    coverage = snapshot.coverage.union(*(one.coverage for one in wider))
    return replace(snapshot, objects={**objects, **snapshot.objects}, coverage=coverage)


def _onwards(ruling: Ruling) -> Sequence[tuple[Scene, Onward]]:
    root = root_of(ruling.found)
    onward = root.finding.onward if root else None
    return [(ruling.scene, onward)] if onward else []


def _lacking(scene: Scene, onward: Onward) -> list[Need]:
    key = NamespaceKey(onward.namespace)
    return [Need(fact, key) for _, fact in _READ if scene.facts.get(fact, key) is None]


def _rulings(ruling: Ruling) -> list[Ruling]:
    """What the catalogue says of each scene there; nothing while its objects are unread, or cannot be read."""
    told: list[Ruling] = []
    for scene, onward in _onwards(ruling):
        snapshot = _snapshot(scene, onward.namespace)
        if snapshot is None:
            continue
        target = changed(scene.target, name=onward.name, namespace=onward.namespace, port=str(onward.port))
        told += [rule(one, catalogue("Service")) for one in scenes(target, snapshot, scene.facts, scene.vantage)]
    return told


def _snapshot(scene: Scene, namespace: str) -> Snapshot | None:
    key = NamespaceKey(namespace)
    read = [scene.known(fact, key) for _, fact in _READ]
    if any(objects is None for objects in read):
        return None
    objects: list[SeenObject] = [one for some in read for one in some or ()]
    coverage = frozenset(Coverage(kind, namespace) for kind, _ in _READ)
    mine = {key_of(one): one for one in objects}
    return Snapshot(mine, coverage, origin=scene.snapshot.origin, taken=scene.snapshot.taken)


def _asked(rulings: Sequence[Ruling]) -> list[Need]:
    needs: list[Need] = []
    for ruling in rulings:
        facts = ruling.scene.facts
        needs += [one.need for one in ruling.open if one.gap is None]
        needs += [need for need in questions(ruling.scene) if facts.get(need.fact, need.subject) is None]
    return needs
