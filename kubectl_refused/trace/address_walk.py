"""The walk of a host and port: its name is looked up, then every address dialled in the order of clients. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, FactStore, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Family, Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target, Vantage

from .aliases import is_address
from .engine_hosts import is_engines_machine
from .hosts import is_here, settled, trouble
from .walks import Stop

LOCALHOST = "localhost"
MOST_ADDRESSES = 8


def scenes(target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage) -> tuple[Scene, ...]:
    """One: what a client of that name and port tries, one address after the other, until one accepts."""
    port = int(target.port or 0)
    hosts = _hosts(target, facts, vantage)
    family: Family = "IPv6" if hosts and ":" in hosts[0] else "IPv4"
    ways = tuple(Dial(host, port, vantage.key) for host in hosts[:MOST_ADDRESSES])
    return (Scene(target, vantage, snapshot, facts, family=family, ways=ways),)


def _hosts(target: Target, facts: FactStore, vantage: Vantage) -> Sequence[str]:
    """The addresses; the name itself where it has none, and nothing while nobody has looked."""
    name = target.name or LOCALHOST
    if is_address(name):
        return (name,)
    seen = facts.get(LOOKUP, NameKey(name, vantage.key))
    if seen is None:
        return ()
    return (name,) if isinstance(seen, Gap) or not seen.addresses else in_turns(seen.addresses)


def in_turns(addresses: Sequence[str]) -> tuple[str, ...]:
    """The families by turns, beginning with that of the first address (RFC 8305, 4)."""
    first = [a for a in addresses if (":" in a) == (":" in addresses[0])]
    second = [a for a in addresses if a not in first]
    return tuple(a for pair in zip_longest(first, second) for a in pair if a)


def questions(scene: Scene) -> Iterator[Need]:
    """The name, where it is one, then each address."""
    name = scene.target.name or LOCALHOST
    if not is_address(name):
        yield Need(LOOKUP, NameKey(name, scene.vantage.key))
    yield from (Need(HANDSHAKE, dial) for dial in scene.ways)


def not_walked(target: Target, snapshot: Snapshot, depth: Depth) -> Iterator[Gap]:
    """Nothing is left out."""
    yield from ()


def stops(scene: Scene) -> Sequence[Stop]:
    """The host as it was reached: this machine, or another; behind a name its address."""
    if not settled(scene):
        return ()
    failed = trouble(scene)
    where = "this machine" if failed and is_here(failed) else ""
    if failed and is_engines_machine(scene, failed.host):
        where = "the engine's machine"
    return (Stop(where, frozenset({"host", "firewall"})),) if where else ()
