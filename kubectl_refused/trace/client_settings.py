"""Addresses that a client's settings name: variables of its containers, never more of a value than host and port.

A value may hold a password: what is told of it is the address alone. Pure; patterns are bounded and values are cut
first, since a spec is written by others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kubectl_refused.model.objects import Container, Pod

MOST_CHARACTERS, MOST_VARIABLES, MOST_ADDRESSES = 2000, 300, 100
# Ports that clients take where a URL names none.
_DEFAULTS = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306,
    "mariadb": 3306, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "mongodb": 27017, "nats": 4222,
    "ldap": 389, "ldaps": 636, "kafka": 9092,
}  # fmt: skip
_NAME = r"(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?)"
_URL = re.compile(
    rf"\b([a-z][a-z0-9+.-]{{1,20}})://(?:[^\s/@'\"]{{0,200}}@)?((?:{_NAME}(?::\d{{1,5}})?,?){{1,20}})"
)
_ENTRY = re.compile(rf"({_NAME})(?::(\d{{1,5}}))?,?")
_ALONE = re.compile(rf"(?<![\w./@:-])({_NAME}):(\d{{1,5}})(?![\w:.-])")
# `DB_HOST` and `DB_PORT` name one address together.
_HOST_OF = re.compile(r"(.*?)_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$", re.IGNORECASE)
# What a container is told to listen on is no address that it dials.
_OWN = re.compile(r"LISTEN|BIND|(?:^|_)(?:NO_PROXY|POD_IP|HOST_IP)$", re.IGNORECASE)


class Told(NamedTuple):
    """One address: the container and the variable that name it; `value` is the variable's whole text."""

    container: str
    variable: str
    host: str
    port: int
    value: str

    @property
    def address(self) -> str:
        """`web:8080`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def addresses(pod: Pod) -> Iterator[Told]:
    """Every address that the variables of the pod's containers name, each once."""
    seen: set[tuple[str, str, str, int]] = set()
    for container in (*(pod.spec.containers or ()), *(pod.spec.init_containers or ())):
        for told in _of(container):
            key = told[:4]
            if key not in seen and len(seen) < MOST_ADDRESSES:
                seen.add(key)
                yield told


def _of(container: Container) -> Iterator[Told]:
    entries = (container.env or ())[:MOST_VARIABLES]
    values = {e.name: e.value[:MOST_CHARACTERS] for e in entries if e.value and not _OWN.search(e.name)}
    for name, value in values.items():
        for host, port in (*_named(value), *_paired(name, value, values)):
            if 0 < port < 65536:
                yield Told(container.name, name, host.strip("[]").rstrip("."), port, value)


def _named(value: str) -> Iterator[tuple[str, int]]:
    """Addresses of URLs, and those that stand alone before a port."""
    rest = value
    for found in _URL.finditer(value):
        scheme = found[1].rpartition("+")[0] or found[1]
        for host, port in _ENTRY.findall(found[2]):
            number = int(port) if port else _DEFAULTS.get(scheme, _DEFAULTS.get(found[1], 0))
            yield host, number
        rest = re.sub(re.escape(found[0]) + r"[^\s;'\"|]{0,2000}", " ", rest, count=1)
    yield from ((host, int(port)) for host, port in _ALONE.findall(rest))


def _paired(name: str, value: str, values: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """`DB_HOST=db` with `DB_PORT=5432`."""
    whose = _HOST_OF.fullmatch(name)
    port = values.get(f"{whose[1]}_PORT" if whose and whose[1] else "PORT", "") if whose else ""
    if port.isascii() and port.isdigit() and len(port) <= 5 and re.fullmatch(_NAME, value):
        yield value, int(port)
