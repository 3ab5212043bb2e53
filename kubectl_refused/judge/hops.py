"""The picture of a path: its hops, the broken one marked, a note beneath it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kubectl_refused.causes import HOPS, OF_ENTRANCES
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.report import Hop, Root
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.addresses import place

from .outcomes import WORST_FIRST
from .tellings import signal_of
from .ways import way_hops

Status = Literal["ok", "broken", "unknown", "start"]
# Which drawn hop a cause's hop belongs to.
_DRAWN = {
    "entrance": 1,
    "rule": 1,
    "name": 1,
    "service": 1,
    "endpoints": 2,
    "pod": 2,
    "forwarder": 2,
    "policy": 3,
    "process": 3,
}


def hops(scene: Scene, root: Root | None, hop: str, at: Endpoint | None = None) -> tuple[Hop, ...]:
    """client, Service, its pods, and the endpoint that matters: `at`, where the root was found, else the worst.

    `hop` is the root cause's hop, or empty.
    """
    assert not hop or hop in HOPS
    if scene.door is None:
        return _of_target(scene, root, hop, at)
    from .doors import door_fails, through, to_the_rule  # loads what entrances are

    at_door = hop in OF_ENTRANCES or scene.target.is_entrance
    if at_door or (not hop and door_fails(scene)):
        return tuple(to_the_rule(scene, scene.door, root, hop))
    return through(scene, scene.door, _of_target(scene, root, hop, at))


def _of_target(scene: Scene, root: Root | None, hop: str, at: Endpoint | None) -> tuple[Hop, ...]:
    """The path without what stands in front of it."""
    if not scene.target.is_service:
        return way_hops(scene, root, hop)
    broken = _DRAWN[hop] if hop else _broken_by_dials(scene)
    if scene.alias_port:
        broken = None if _reached(scene) else broken
    if broken == 3 and not scene.ready_endpoints:
        broken = 2  # the process keeps its pod from becoming ready: no endpoint gets traffic, none is drawn
    return tuple(_drawn(scene, root, broken, at))


def _drawn(scene: Scene, root: Root | None, broken: int | None, at: Endpoint | None) -> Iterator[Hop]:
    note = root.says if root else ""
    yield Hop(role="client", label="client", status="start")
    yield Hop(role="entrance", label=scene.asked, status=_entered(scene, broken), note=note if broken == 1 else "")
    if broken == 1 or scene.service is None:
        return
    if scene.alias_port:
        yield from _host_outside(scene, note)
        return
    label = pods_told(scene)
    entrance = scene.handshake(scene.entrance_dial)
    failed = entrance if entrance and entrance.outcome is not Outcome.ACCEPTED else None
    rejected = signal_of(failed, scene) if broken == 2 and failed else ""
    status: Status = "broken" if broken == 2 else "ok" if scene.ready_endpoints else "unknown"
    yield Hop(role="endpoints", label=label, status=status, note=rejected or (note if broken == 2 else ""))
    if broken == 2:
        return
    endpoint, handshake = telling_endpoint(scene, at)
    if endpoint and endpoint.port:
        shown = _address(endpoint)
        after: Status = "broken" if broken == 3 else "ok" if handshake else "unknown"
        spoken = "  ".join(x for x in (signal_of(handshake, scene) if handshake else "", note) if x)
        yield Hop(role="endpoint", label=shown, status=after, note=spoken if broken == 3 else "")


def _host_outside(scene: Scene, note: str) -> Iterator[Hop]:
    """Where an alias leads: no pods and no endpoints of the cluster are on that path."""
    seen = scene.handshake(scene.entrance_dial)
    accepted = seen is not None and seen.outcome is Outcome.ACCEPTED
    status: Status = "unknown" if seen is None else "ok" if accepted else "broken"
    spoken = [signal_of(seen, scene)] if seen and not accepted else []
    label = place(scene.entrance, scene.alias_port or 0)
    yield Hop(role="endpoint", label=label, status=status, note="  ".join([*spoken, *([note] if note else [])]))


def pods_told(scene: Scene) -> str:
    """`2 of 3 pods ready`, `no endpoints`, or in files `web (not running: read from files)`."""
    if scene.from_files:
        names = ", ".join(p.metadata.name for p in scene.pods[:3])
        return names or "no pod template"
    if not scene.endpoints:
        return "no endpoints"
    word = "pods" if all(e.pod for e in scene.endpoints) else "endpoints"
    ready = sum(1 for e in scene.endpoints if e.ready)
    return f"{ready} of {len(scene.endpoints)} {word} ready"


def _entered(scene: Scene, broken: int | None) -> Status:
    """The step into the Service; one that could not be read may not even exist."""
    if broken == 1:
        return "broken"
    return "ok" if scene.service is not None or scene.from_files else "unknown"


def _address(endpoint: Endpoint) -> str:
    host = endpoint.address or endpoint.target_name
    return f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"


def telling_endpoint(scene: Scene, at: Endpoint | None = None) -> tuple[Endpoint | None, Handshake | None]:
    """The endpoint `at`; without it the first of those that ended worst, as the verdict does."""
    seen = [(e, scene.handshake(scene.at_endpoint(e).endpoint_dial)) for e in scene.ready_endpoints]
    if not seen:
        return None, None
    here = next((pair for pair in seen if at is not None and pair[0].address == at.address), None)
    failing = [(e, h) for e, h in seen if h and h.outcome is not Outcome.ACCEPTED]
    return here or min(failing, key=lambda pair: WORST_FIRST.index(pair[1].outcome), default=seen[0])


def _reached(scene: Scene) -> bool:
    """Whether an alias led to a host: what fails there is no fault of the name."""
    seen = scene.handshake(scene.entrance_dial)
    return seen is not None and seen.outcome is not Outcome.UNRESOLVED


def _broken_by_dials(scene: Scene) -> int | None:
    """Where the path breaks as far as dials tell: 3 at an endpoint, 2 between entrance and endpoints."""
    _, endpoint = telling_endpoint(scene)
    if endpoint and endpoint.outcome is not Outcome.ACCEPTED:
        return 3
    entrance = scene.handshake(scene.entrance_dial)
    if scene.alias_port:
        return 1 if entrance and not _reached(scene) else None
    return 2 if entrance and entrance.outcome is not Outcome.ACCEPTED else None
