"""Which hosts and ports a container is told to dial: by its variables and arguments. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily

from .engine_objects import SERVICE, client_in

LONGEST = 2000
# A host and port with no letter before it: `http://db:5432/x`, `DB=db:5432`, `user:secret@db:5432`.
_PLACE = lazily(r"(?<![\w.-])([A-Za-z0-9](?:[\w.-]{0,62}[A-Za-z0-9])?):(\d{1,5})(?![\w.:])", re.ASCII)
LOCALHOST = ("localhost", "127.0.0.1")


class Mention(NamedTuple):
    """`where` is the variable, or `command`. Of its value only host and port are told."""

    where: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.where} names {self.host}:{self.port}"


def mentions(container: EngineContainer) -> Iterator[Mention]:
    """Every host and port that it is told, variables first."""
    for variable in container.config.env or ():
        name, _, value = variable.partition("=")
        yield from _found(name, value)
    for word in (*(container.config.entrypoint or ()), *(container.config.cmd or ())):
        yield from _found("command", word)


def _found(where: str, text: str) -> Iterator[Mention]:
    for host, port in _PLACE.findall(text[:LONGEST]):
        if 0 < int(port) < 65536:
            yield Mention(where, host, int(port))


def names_of(container: EngineContainer) -> frozenset[str]:
    """By which other containers find it on a network of both."""
    networks = (container.network_settings.networks or {}).values()
    aliases = {alias for network in networks for alias in network.aliases or ()}
    return frozenset({container.called, (container.config.labels or {}).get(SERVICE, "")} | aliases) - {""}


def clients(scene: Scene) -> tuple[EngineContainer, ...]:
    """Containers whose settings may lead here: the client that was named, in files all others."""
    client = client_in(scene)
    if client is not None:
        return (client,)
    return tuple(c for c in scene.snapshot.containers() if c is not scene.container) if scene.from_files else ()
