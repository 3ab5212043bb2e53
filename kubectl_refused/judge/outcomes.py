"""How a path ended, from its dials alone; no cause is asked."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.model.facts import LOOKUP, NameKey
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.questions import dns_name

# From the worst to the best, to choose the path that speaks for the whole diagnosis.
WORST_FIRST = (
    Outcome.REFUSED,
    Outcome.REJECTED,
    Outcome.TIMEOUT,
    Outcome.UNREACHABLE,
    Outcome.UNRESOLVED,
    Outcome.DENIED,
    Outcome.RESET,
    Outcome.MIXED,
    Outcome.UNKNOWN,
    Outcome.UNTRIED,
    Outcome.ACCEPTED,
)

FAILING = frozenset(WORST_FIRST) - {Outcome.UNKNOWN, Outcome.UNTRIED, Outcome.ACCEPTED}


def endpoint_dials(scene: Scene) -> tuple[Handshake, ...]:
    """The dials made to endpoints that get traffic, in the slices' order."""
    seen = (scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in scene.ready_endpoints)
    return tuple(h for h in seen if h)


def path_outcome(scene: Scene, *, tried: bool) -> Outcome:
    """Accepted only where the entrance and every endpoint dialled accepted; `tried`: were dials asked for."""
    if not scene.target.is_service:
        return _of_ways(scene, tried=tried)
    entrance, behind = scene.handshake(scene.entrance_dial), endpoint_dials(scene)
    if entrance is None and not behind:
        return Outcome.UNKNOWN if tried else Outcome.UNTRIED
    ended = _together(entrance, behind)
    door = scene.handshake(scene.door_dial)
    if ended is Outcome.ACCEPTED and door is not None:
        return door.outcome
    lookup = scene.known(LOOKUP, NameKey(dns_name(scene), scene.vantage.key))
    if ended is Outcome.ACCEPTED and lookup is not None and lookup.error:
        return Outcome.UNRESOLVED
    return ended


def way_dials(scene: Scene) -> tuple[Handshake, ...]:
    """The dials made of a target that is no Service, in the client's order."""
    return tuple(seen for dial in scene.ways if (seen := scene.handshake(dial)))


def _of_ways(scene: Scene, *, tried: bool) -> Outcome:
    """The worst of all ways in; mixed where one of them works. What stands behind them only explains it.

    The addresses of one name are another matter: a client tries them in turn until one accepts (RFC 8305).
    """
    outcomes = {seen.outcome for seen in way_dials(scene)}
    if scene.target.kind == "Address" and Outcome.ACCEPTED in outcomes:
        return Outcome.ACCEPTED
    if not outcomes:
        return Outcome.UNKNOWN if tried else Outcome.UNTRIED
    some = Outcome.ACCEPTED in outcomes and len(outcomes) > 1
    return Outcome.MIXED if some else worst(list(outcomes))


def _together(entrance: Handshake | None, behind: Sequence[Handshake]) -> Outcome:
    outcomes = {h.outcome for h in behind}
    if entrance is None:
        return outcomes.pop() if len(outcomes) == 1 else Outcome.MIXED
    if entrance.outcome is Outcome.ACCEPTED:
        return Outcome.ACCEPTED if outcomes <= {Outcome.ACCEPTED} else Outcome.MIXED
    mixed = Outcome.ACCEPTED in outcomes and len(outcomes) > 1
    return Outcome.MIXED if mixed else entrance.outcome


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome that speaks for several paths; untried for none."""
    return min(outcomes, key=WORST_FIRST.index, default=Outcome.UNTRIED)
