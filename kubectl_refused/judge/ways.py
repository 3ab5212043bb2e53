"""The picture and the words of a path that leads to no Service: its ways in, and the stops behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.report import Hop, Root
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.walks import Stop, walk_of

from .outcomes import WORST_FIRST, endpoint_dials, way_dials
from .tellings import milliseconds, signal_of

Role = Literal["endpoints", "endpoint", "process"]
Status = Literal["ok", "broken", "unknown"]
_ROLES: tuple[tuple[Role, ...], ...] = (
    (),
    ("endpoint",),
    ("endpoints", "endpoint"),
    ("endpoints", "endpoint", "process"),
)


def way_hops(scene: Scene, root: Root | None, hop: str) -> tuple[Hop, ...]:
    """client, the target, and each stop behind it up to the broken one."""
    stops = walk_of(scene.target).stops(scene)
    return tuple(_drawn(scene, root, stops, _broken(scene, stops, hop)))


def _broken(scene: Scene, stops: Sequence[Stop], hop: str) -> int | None:
    """The place of the step that is broken: 0 for the entrance; None where nothing fails, or nobody knows."""
    if hop:
        return next((place for place, stop in enumerate(stops, start=1) if hop in stop.hops), 0)
    failing = [seen for seen in way_dials(scene) if seen.outcome is not Outcome.ACCEPTED]
    return len(stops) if failing else None


def _drawn(scene: Scene, root: Root | None, stops: Sequence[Stop], broken: int | None) -> Iterator[Hop]:
    yield Hop(role="client", label="client", status="start")
    roles = ("entrance", *_ROLES[len(stops)])
    labels = (scene.asked, *(stop.label for stop in stops))
    known: Status = "ok" if way_dials(scene) or broken is not None else "unknown"
    for at, (role, label) in enumerate(zip(roles, labels, strict=True)):
        if at == broken:
            yield Hop(role=role, label=label, status="broken", note=_note(scene, root))  # type: ignore[arg-type]
            return
        yield Hop(role=role, label=label, status=known)  # type: ignore[arg-type]


def _note(scene: Scene, root: Root | None) -> str:
    """What came back, and why."""
    failing = [seen for seen in way_dials(scene) if seen.outcome is not Outcome.ACCEPTED]
    told = min(failing, key=lambda seen: WORST_FIRST.index(seen.outcome), default=None)
    return "  ".join(filter(None, (signal_of(told, scene) if told else "", root.says if root else "")))


def way_summary(scene: Scene) -> str:
    """For a healthy path: which ways accept, how fast the first did, and what is spoken there."""
    seen = way_dials(scene)
    if not any(one.outcome is Outcome.ACCEPTED for one in seen):
        return ""
    works = [one for one in seen if one.outcome is Outcome.ACCEPTED]
    told = " and ".join(place(one.host, one.port) for one in works[:3]) + (" and more" if len(works) > 3 else "")
    spoken = " and ".join(sorted({one.speaks for one in seen if one.speaks}))
    others = [f"{place(one.host, one.port)} did not: {signal_of(one, scene)}" for one in seen if one not in works]
    spoken = f", speaks {spoken}" if spoken else ""
    return f"{told} accepted, {milliseconds(works[0].seconds)}{spoken}" + "".join(f"; {one}" for one in others[:2])


def ways_told(scene: Scene) -> tuple[Handshake, ...]:
    """Every dial of the path: the client's, then what was dialled behind its entrance."""
    return tuple(dict.fromkeys((*way_dials(scene), *endpoint_dials(scene))))


def ways_complete(scene: Scene) -> bool:
    """Whether every way was dialled by a program that can tell who refused."""
    seen = [scene.known(HANDSHAKE, dial) for dial in scene.ways]
    return bool(seen) and all(one is not None and one.first_hand for one in seen)
