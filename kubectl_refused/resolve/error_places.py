"""Which addresses a line of an error text names: host and port, as programs of many languages write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from kubectl_refused.patterns import lazily

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
_IPV4 = r"(?:\d{1,3}\.){3}\d{1,3}"
_IPV6 = r"[0-9A-Fa-f:.]{2,45}"
_PORT = r"(\d{1,5})(?!\d)"


class Place(NamedTuple):
    """A host, which is an address in its shortest spelling or a name in small letters, and a port, 0 for none.

    `weak` for a single word with a number, which may be anything: `web:80`.
    """

    host: str
    port: int
    weak: bool = False


# Names that stand beside an address of the same connection are told too: the address may be nobody's by now.
_PAIRS = tuple(
    lazily(pattern)
    for pattern in (
        rf"host='({_NAME}|{_IPV6})', port={_PORT}",  # urllib3
        rf"server at \"({_NAME}|{_IPV6})\"(?: \({_IPV6}\))?, port {_PORT}",  # libpq from 14 on
        rf"server at \"{_NAME}\" \(({_IPV6})\), port {_PORT}",
        rf"on host \"({_NAME})\" .{{0,80}}? on port {_PORT}",  # libpq before
        rf"\('({_IPV6})', {_PORT}",  # asyncio
        rf"/dev/tcp/({_NAME}|{_IPV6})/{_PORT}",  # bash
        rf"(?<![\w.-])({_NAME}) \({_IPV6}\) port {_PORT}",  # nc
        rf"\(({_IPV6})\) port {_PORT}",
        rf"(?<![\w.-])({_NAME}|{_IPV6})\"? port {_PORT}",  # curl, Ruby
        rf"\|({_IPV6})\|:{_PORT}",  # wget
        rf"\[({_IPV6})\]:{_PORT}",
        rf"(?<![\d.])({_IPV4}):{_PORT}(?!\.\d)",
        rf"\bE[A-Z]{{4,12}} ((?:[0-9a-f]{{0,4}}:){{2,7}}[0-9a-f]{{0,4}}):{_PORT}\b",  # Node.js
        rf"\bnode \S{{1,12}} \(({_NAME})/{_IPV4}:{_PORT}",  # Kafka
    )
)
_URL = lazily(
    rf"\b([a-z][a-z0-9+.-]{{1,20}})://(?:[^\s/@\"'<>]{{0,200}}@)?(?:\[({_IPV6})\]|({_NAME}))(?::{_PORT})?", re.I
)
_SCHEMES = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "redis": 6379, "rediss": 6379, "postgres": 5432,
    "postgresql": 5432, "mysql": 3306, "mongodb": 27017, "amqp": 5672, "amqps": 5671, "nats": 4222,
}  # fmt: skip
# No place in a source file or a time of day: `main.go:57:12`, `12:30:45`.
_WORD = lazily(
    r"(?<![\w.:/@#-])([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,6})\.?"
    rf":{_PORT}(?!:\d|\.\d)"
)
_FILES = lazily(r"\.(?:go|py|js|mjs|cjs|ts|tsx|jsx|java|kt|rb|rs|c|cc|cpp|h|php|cs|sh|ya?ml|json|scala|swift)$")
_LOOKUPS = lazily(
    rf"(?:\blookup |ENOTFOUND |EAI_AGAIN |resolve host:? '?|resolve '|translate host name \"|in upstream \""
    rf"|UnknownHostException: |bad address '|getaddrinfo failed for )({_NAME})"
)
# The API server's service proxy (pkg/registry/core/service/storage): `NAME`, `NAME:PORT`, `https:NAME:PORT`.
_PROXIED = lazily(
    r"no endpoints available for service \\?\"(?:https?:)?([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)[\":\\]"
)
_BARE = lazily(rf"(?<![\w.:/-])({_IPV4})(?![\w:/-]|\.\d)")
# What stands beside the address meant: our own end, the name server that was asked, and nginx's client.
_OWN_END = lazily(r"\S{1,80}->")
_ASKED = lazily(r"(\blookup \S{1,260}) on \S{1,80}:53\b")
_UPSTREAM = lazily(r"upstream: \"([^\"]{1,400})\"")


@lru_cache(maxsize=256)
def places(text: str) -> tuple[Place, ...]:
    """Each address once, without those that are only the other end's or a name server's."""
    upstream = _UPSTREAM.search(text)
    plain = upstream[1] if upstream else _ASKED.sub(r"\1 ", _OWN_END.sub(" ", text))
    found = list(_strong(plain))
    hosts = {place.host for place in found}
    found += [place for place in _words(plain) if place.host not in hosts]
    if not found:
        found += filter(None, (_placed(one[1], "0") for one in _BARE.finditer(plain)))
    with_port = {place.host for place in found if place.port}
    return tuple(place for place in dict.fromkeys(found) if place.port or place.host not in with_port)


def _strong(text: str) -> Iterator[Place]:
    """Addresses that cannot be anything else."""
    for pattern in _PAIRS:
        for found in pattern.finditer(text):
            yield from filter(None, [_placed(found[1], found[2])])
    for url in _URL.finditer(text):
        port = url[4] or str(_SCHEMES.get(url[1].lower(), 0))
        yield from filter(None, [_placed(url[2] or url[3], port)])
    for service in _PROXIED.finditer(text):
        yield from filter(None, [_placed(service[1], "0")])
    for lookup in _LOOKUPS.finditer(text):
        yield from filter(None, [_placed(lookup[1], "0")])


def _words(text: str) -> Iterator[Place]:
    for found in _WORD.finditer(text):
        if not _FILES.search(found[1]):
            place = _placed(found[1], found[2])
            if place is not None and not place.host[0].isdigit() and place.port:
                yield place._replace(weak="." not in place.host)


def _placed(host: str, port: str) -> Place | None:
    """The place, or None for what is neither an address nor a DNS name, or no port."""
    number = int(port)
    if number > 65535:
        return None
    try:
        parsed = ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        real = any(c.isalpha() for c in name) and ".." not in name and not _FILES.search(name)
        return Place(name, number) if real else None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return Place(str(mapped or parsed), number)
