"""Run the causes over a scene: findings, and what could not be decided yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from msgspec import Struct

from kubectl_refused.causes import HOPS_OF, OF_ENTRANCES, Cause, Scope
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import (
    FORWARD,
    HANDSHAKE,
    INSIDE,
    LISTENERS,
    LOOKUP,
    SEARCH,
    Fact,
    Need,
    Undecided,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import ENTRANCES

from .ignores import NOTHING_IGNORED, Ignored, Ignores
from .memory import Memory
from .outdated import outdated
from .statuses import running

# Endpoints that fail alike are alike: this many are looked into, the rest only dialled.
MOST_SUSPECTS = 6
# What tells how a TCP port works; of others only the objects are judged, and no probe is started for them.
_OF_TCP: frozenset[Fact[Any]] = frozenset({HANDSHAKE, FORWARD, SEARCH, INSIDE, LISTENERS, LOOKUP})
# Each kind of target but a Service has one scope, in which its causes run.
_SCOPES = {"Container": Scope.CONTAINER, "Compose": Scope.CONTAINER, "Address": Scope.ADDRESS} | dict.fromkeys(
    ENTRANCES, Scope.ENTRANCE
)
_OTHERS = frozenset(_SCOPES.values())


class Found(Struct, frozen=True):
    """A finding, the cause that yielded it and the scene it looked at; `ignored` says who wants it ignored."""

    cause: Cause
    finding: Finding
    scene: Scene
    ignored: Ignored | None = None


class Open(Struct, frozen=True):
    """A cause that could not say, the fact it lacks, and the Gap where nobody ever will."""

    cause: Cause
    need: Need
    gap: Gap | None


class Ruling(Struct, frozen=True):
    """What all causes said of one scene; `notes` are findings that are no faults."""

    scene: Scene
    found: tuple[Found, ...]
    open: tuple[Open, ...]
    notes: tuple[Found, ...] = ()


def rule(
    scene: Scene,
    causes: Iterable[Cause],
    ignores: Ignores = NOTHING_IGNORED,
    memory: Memory | None = None,
) -> Ruling:
    """Run every cause in its scope over the scene; with a `memory` of it, those that may say something new."""
    found: list[Found] = []
    undecided: list[Open] = []
    causes = tuple(causes)
    seen = memory.views(partial(_views, scene, causes)) if memory else _views(scene, causes)
    protocol = scene.port.protocol if scene.port else "TCP"
    for cause in memory.left(causes) if memory else causes:
        if not _looks_at(cause, scene, protocol):
            continue
        # Mostly there is nothing, and a scan asks a million times.
        said = [(view, told) for view in seen[cause.scope] if (told := _told(cause, view))]
        if memory and not said:
            memory.silent(cause)
        for view, told in said:
            if isinstance(told, Open):
                undecided.append(told)
                continue
            lasting = [one for one in told if not outdated(one, view)]
            ignored = ignores.of(cause, view) if lasting else None
            found += [Found(cause, finding, view, ignored) for finding in lasting]
    faults, notes = (tuple(f for f in found if f.cause.note is kind) for kind in (False, True))
    return Ruling(scene, faults, tuple(undecided), notes)


def _told(cause: Cause, view: Scene) -> tuple[Finding, ...] | Open:
    """What it finds of the view, or what it lacks. What it found before it noticed that is not told yet."""
    try:
        return tuple(cause.check(view))
    except Undecided as question:  # which must go: its traceback would keep the scene, and all that was read
        return Open(cause, question.need, question.gap)


def _views(scene: Scene, causes: Iterable[Cause]) -> dict[Scope, tuple[Scene, ...]]:
    """By scope, once for all causes: a scan rules over ten thousand scenes."""
    return {scope: tuple(views(scene, scope)) for scope in {cause.scope for cause in causes}}


def _looks_at(cause: Cause, scene: Scene, protocol: str) -> bool:
    """Whether the cause is of the scene's path, and can judge a port of that protocol."""
    if scene.door is not None and cause.hop not in (*OF_ENTRANCES, *HOPS_OF[scene.target.kind]):
        return False  # behind a node's port may be a pod that is no Service's
    return cause.protocol == protocol or (cause.protocol == "TCP" and not cause.reads & _OF_TCP)


def views(scene: Scene, scope: Scope) -> Iterator[Scene]:
    """The scene as a scope sees it: itself, each suspect endpoint, or each selected pod; nothing of another's."""
    through = scope is Scope.ENTRANCE and scene.door is not None
    if scope is not _SCOPES.get(scene.target.kind, scope):
        return
    if scene.target.kind not in _SCOPES and scope in _OTHERS and not through:
        return
    if scope in _OTHERS:
        yield scene
    elif scope is Scope.PROCESS:
        from .veils import veiled  # loads what meshes and gateways are

        yield from suspects(scene) if scene.ready_endpoints else unready(scene)
        yield from veiled(scene)
    elif scope is Scope.ROUTE:
        yield scene
    elif scope is Scope.POD:
        # A pod that is not ready breaks a path only where no other endpoint serves it.
        if not scene.ready_endpoints or scene.from_files:
            yield from (scene.at_pod(pod) for pod in scene.pods[:MOST_SUSPECTS])
    else:
        yield from suspects(scene)


def unready(scene: Scene) -> Iterator[Scene]:
    """Selected pods that get no traffic, each with its endpoint where its containers run and it can be dialled."""
    for pod in [p for p in scene.pods if p.metadata.deletion_timestamp is None][:MOST_SUSPECTS]:
        mine = (e for e in scene.endpoints if e.target_name == pod.metadata.name and e.port is not None)
        endpoint = next(mine, None) if running(pod) else None
        yield scene.at_endpoint(endpoint) if endpoint else scene.at_pod(pod)


def suspects(scene: Scene) -> Iterator[Scene]:
    """Endpoints that get traffic and have not accepted: a fault in front of an accept is none.

    Where a mesh's proxy accepts in the app's place, one behind it may be: scope PROCESS looks there too.
    """
    shown = 0
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        seen = scene.facts.get(HANDSHAKE, view.endpoint_dial)
        if not isinstance(seen, Gap) and seen is not None and seen.outcome is Outcome.ACCEPTED:
            continue
        shown += 1
        if shown > MOST_SUSPECTS:
            return
        yield view
