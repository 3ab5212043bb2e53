"""Which method learns which need: the least intrusive one that the level allows and that was not tried. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct

from kubectl_refused.model.facts import HANDSHAKE, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.target import Depth

from .base import Method


class Plan(Struct, frozen=True):
    """Needs by the name of the method that shall learn them, and those that no method is left for."""

    batches: dict[str, tuple[Need, ...]]
    hopeless: tuple[Need, ...]


def takes_all(method: Method, need: Need) -> bool:
    """What `takes` of `plan` is where no method is choosy."""
    return True


def plan(
    needs: Iterable[Need],
    methods: Sequence[Method],
    depth: Depth,
    tried: Collection[tuple[Need, str]],
    takes: Callable[[Method, Need], bool] = takes_all,
) -> Plan:
    """Give every need to the first method, by `order`, that is allowed at `depth`, takes it and was not tried."""
    batches: dict[str, list[Need]] = {}
    hopeless: list[Need] = []
    ordered = sorted(methods, key=lambda m: m.order)
    for need in dict.fromkeys(needs):
        able = (
            m
            for m in ordered
            if need.fact in m.facts
            and m.depth.rank <= depth.rank
            and (need, m.name) not in tried
            and takes(m, need)
        )
        chosen = next(able, None)
        if chosen is None:
            hopeless.append(need)
        else:
            batches.setdefault(chosen.name, []).append(need)
    return Plan({name: tuple(batch) for name, batch in batches.items()}, tuple(hopeless))


def why_hopeless(need: Need, depth: Depth, deepest: Depth) -> Gap:
    """The Gap of a need that no method was even tried for: the level forbids it, or nobody can.

    `deepest` is the last level there is here: files have no other than `none`.
    """
    least = need.fact.depth
    if not depth.rank < least.rank <= deepest.rank:
        return Gap(need.fact.about, "nothing here can tell")
    what = "a TCP dial" if need.fact is HANDSHAKE else need.fact.about
    return Gap(what, f"not asked for at --probe {depth.value}", f"--probe {least.value}")
