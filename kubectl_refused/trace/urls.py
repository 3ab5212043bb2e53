"""Which door a URL goes through, of many: the most exact host, then the most exact path. Pure.

Ingress: a wildcard stands for one label, Prefix matches whole elements of the path
(https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types). Gateway API: a wildcard stands for
one label or more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_refused.model.entrances import Door, Ingress

from .attachments import covers
from .nearest import ALIKE, nearest

NOBODYS = -1


def best_doors(doors: Iterable[Door], host: str, path: str) -> tuple[Door, ...]:
    """The doors that take the request: of one host and path there may be several backends; or none does."""
    ranked = [(rank, door) for door in doors if (rank := _rank(door, host, path)) is not None]
    best = max((rank for rank, _ in ranked), default=None)
    found = [door for rank, door in ranked if rank == best]
    return tuple(door for door in found if (door.host, door.path) == (found[0].host, found[0].path))


def owned(doors: Iterable[Door], host: str) -> tuple[Door, ...]:
    """The doors that name the host, by itself or by a wildcard: one for every host owns none."""
    return tuple(door for door in doors if door.host and host_rank(door, host) != NOBODYS)


def nearest_host(doors: Iterable[Door], host: str) -> str | None:
    """The host of a rule that is nearly the one asked for; a wildcard is like none."""
    return nearest(host, {door.host for door in doors if door.host and "*" not in door.host}, ALIKE)


def host_rank(door: Door, host: str) -> int:
    """How exactly the door names the host: by itself, by a wildcard (the longer the more), for all, or not."""
    pattern, host = door.host.lower(), host.lower().removesuffix(".")
    if not pattern:
        return 0
    if pattern == host:
        return 1000
    if isinstance(door.owner, Ingress):
        first, _, rest = host.partition(".")
        taken = bool(first) and pattern.startswith("*.") and pattern[2:] == rest
    else:
        taken = covers(pattern, host)
    return len(pattern) if taken else NOBODYS


def _rank(door: Door, host: str, path: str) -> tuple[int, bool, int] | None:
    at_host = host_rank(door, host)
    if at_host == NOBODYS or not takes_path(door, path):
        return None
    return at_host, door.exact, len(door.path)


def takes_path(door: Door, path: str) -> bool:
    """Whether the door's path takes the one asked for; a pattern may take any, and is not judged."""
    if door.exact:
        return door.path == path
    if door.pattern or not door.path or door.path == "/":
        return True
    wanted, asked = _elements(door.path), _elements(path)
    return asked[: len(wanted)] == wanted


def _elements(path: str) -> Sequence[str]:
    return [part for part in path.split("/") if part]
