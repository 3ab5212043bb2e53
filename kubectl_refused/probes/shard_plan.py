"""What the shards of a large scan dial, small enough to travel in their Job: pure.

A scan from every node asks the same of each: one list of places serves all shards, in the Job's own template,
and nothing else has to be created for it. Linux takes 128 KiB for one argument (MAX_ARG_STRLEN in
linux/binfmts.h), etcd 1.5 MiB for one object: sorted by host and packed, an address and port take some 3 bytes.
"""

from __future__ import annotations

import base64
import ipaddress
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter

from kubectl_refused.model.facts import Dial, NameKey, Need
from kubectl_refused.probes.probe_agent_answers import Asked, request_of

WORD = 100_000  # characters of one argument
MOST_CHARACTERS = 1_000_000  # of all of them, in a Job that etcd takes
MOST_JOBS = 4  # for vantages that are not asked the same; with more of them all are asked everything

Place = tuple[str, int]


@dataclass(frozen=True)
class Plan:
    """Places to dial and names to look up; the answers tell of a place by where it stands in `places`."""

    places: tuple[Place, ...]
    names: tuple[str, ...] = ()

    @cached_property
    def index(self) -> dict[Place, int]:
        """Where each place stands; every shard's answers share it."""
        return {place: index for index, place in enumerate(self.places)}

    @cached_property
    def asked(self) -> dict[str, Asked]:
        """Everything by the agent's word for it."""
        asked: list[Asked] = [*(Dial(*place) for place in self.places), *map(NameKey, self.names)]
        return {request_of(subject): subject for subject in asked}

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments that carry it, for shard_agent.py to unpack."""
        packed = base64.b85encode(zlib.compress("\n".join(self._lines()).encode())).decode()
        return tuple(packed[start : start + WORD] for start in range(0, len(packed), WORD))

    def _lines(self) -> Iterator[str]:
        for host, together in groupby(self.places, key=itemgetter(0)):
            yield f"{host} {' '.join(str(port) for _, port in together)}"
        yield from (f"? {name}" for name in self.names)


def plan_of(needs: Iterable[Need]) -> Plan:
    """The plan that answers all needs, whatever vantage they are of. Places of one host stand together."""
    places: dict[Place, None] = {}
    names: dict[str, None] = {}
    for need in needs:
        if isinstance(need.subject, NameKey):
            names[need.subject.name] = None
        else:
            places[(need.subject.host, need.subject.port)] = None
    return Plan(tuple(sorted(places, key=_order)), tuple(sorted(names)))


def plans_of(asked: Mapping[str, Sequence[Need]]) -> list[tuple[tuple[str, ...], Plan]]:
    """(keys of vantages, what they are asked): one for those that are asked the same."""
    alike: dict[Plan, list[str]] = {}
    for key, needs in asked.items():
        alike.setdefault(plan_of(needs), []).append(key)
    if len(alike) > MOST_JOBS:
        return [(tuple(asked), plan_of(need for needs in asked.values() for need in needs))]
    return [(tuple(keys), plan) for plan, keys in alike.items()]


def is_plannable(need: Need) -> bool:
    """Whether it is an address with a port, or a name to look up."""
    if isinstance(need.subject, NameKey):
        return True
    return (
        isinstance(need.subject, Dial)
        and 0 < need.subject.port < 65536
        and _address(need.subject.host) is not None
    )


def fitting(plan: Plan) -> Plan:
    """As much of it as a Job can carry: what is beyond stays unanswered, and is told as such."""
    while (length := sum(map(len, plan.words))) > MOST_CHARACTERS:
        share = 0.95 * MOST_CHARACTERS / length
        plan = Plan(plan.places[: int(len(plan.places) * share)], plan.names[: int(len(plan.names) * share)])
    return plan


def _order(place: Place) -> tuple[int, int, int]:
    address = _address(place[0])
    assert address is not None
    return address.version, int(address), place[1]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None
