"""Policies of kinds that nobody here evaluates, seen where a dial failed: they may be what denies it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.model.facts import OTHER_POLICIES, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome, SeenPolicy
from kubectl_refused.model.scene import Scene

MOST_NAMED = 3


def asked_for(scene: Scene) -> Iterator[Need]:
    """The policies of both ends, once a dial of this path has failed."""
    if _failed(scene):
        yield from (Need(OTHER_POLICIES, NamespaceKey(space)) for space in _spaces(scene))


def not_evaluated(scene: Scene, *, proved: bool) -> Iterator[Gap]:
    """Each kind seen where the path's dials failed; what could not be looked for while nothing is proved."""
    if not _failed(scene):
        return
    seen: list[SeenPolicy] = []
    for space in _spaces(scene):
        told = scene.facts.get(OTHER_POLICIES, NamespaceKey(space))
        unread = (told,) if isinstance(told, Gap) else told.unread if told else ()
        seen += told.seen if told and not isinstance(told, Gap) else ()
        yield from () if proved else unread
    yield from _told(seen)


def _told(seen: Iterable[SeenPolicy]) -> Iterator[Gap]:
    alike: dict[tuple[str, str], list[str]] = {}
    for one in dict.fromkeys(seen):
        alike.setdefault((one.kind, one.namespace), []).append(one.name)
    for (kind, namespace), names in alike.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        where = f"in namespace {namespace}" if namespace else "for the whole cluster"
        because = f"seen {where} and not evaluated: what it denies is not known here"
        yield Gap(f"{kind} {', '.join(names[:MOST_NAMED])}{more}", because)


def _failed(scene: Scene) -> bool:
    """Whether any dial of the path did not get in; one that is an app's own affair does not show what it is."""
    dials = [scene.entrance_dial, *(scene.at_endpoint(e).endpoint_dial for e in scene.ready_endpoints)]
    seen = (scene.handshake(dial) for dial in dials)
    return any(one is not None and one.outcome is not Outcome.ACCEPTED for one in seen)


def _spaces(scene: Scene) -> Iterable[str]:
    """The namespaces whose policies may judge the dial: the pods' and the client's."""
    return dict.fromkeys((scene.target.namespace, scene.vantage.namespace or scene.target.namespace))
