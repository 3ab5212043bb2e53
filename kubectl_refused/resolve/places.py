"""Words that name something else than a Service: entrances, pods, containers, and hosts with a port.

    ingress/NAME  gateway/NAME  httproute/NAME  (entrances.py)
    node/NAME:NODEPORT  lb/SERVICE  (entrances.py)
    pod/NAME[:PORT]  deploy/NAME[:PORT]  (pods.py)
    docker/NAME[:PORT]  podman/NAME[:PORT]  compose/PROJECT/SERVICE[:PORT]
    tcp://HOST:PORT  https://HOST[:PORT]/…  HOST:PORT with a dot or colon in HOST, or localhost  [V6]:PORT  :PORT

A bare `web:80` is a Service. Pure: hostile words end in a UsageProblem of one line.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import replace

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import Target
from kubectl_refused.patterns import lazily

from .entrances import entrance_of
from .pods import pods_of

MOST_OF_A_PATH = 2000
PODMAN = "podman"
ENGINES = ("docker", PODMAN, "container")
# Names and ids of containers (moby daemon/names), of compose projects and services.
NAME = lazily(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}", re.ASCII)
# RFC 1123, and underscores, which resolvers take.
_HOST = lazily(
    r"(?=.{1,253}\.?$)[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62}))*\.?", re.ASCII
)
_BARE_V6 = lazily(r"[0-9a-fA-F:.]+", re.ASCII)
_SCHEME = lazily(r"([a-zA-Z][a-zA-Z0-9+.-]{0,30})://(.*)", re.ASCII | re.DOTALL)
# Default ports as IANA registered them, or as the server's own documentation has it.
PORTS = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "ftp": 21, "ssh": 22, "smtp": 25, "ldap": 389, "ldaps": 636,
    "mysql": 3306, "mariadb": 3306, "postgres": 5432, "postgresql": 5432, "redis": 6379, "rediss": 6379,
    "mongodb": 27017, "amqp": 5672, "amqps": 5671, "mqtt": 1883, "mqtts": 8883, "nats": 4222, "kafka": 9092,
}  # fmt: skip


def place_of(word: str) -> Target | None:
    """The Target of a word that names no Service; None where it may name one. Raises UsageProblem."""
    if scheme := _SCHEME.fullmatch(word):
        return _of_url(word, scheme[1].lower(), scheme[2])
    kind, slash, rest = word.partition("/")
    if slash and kind.lower() in ENGINES:
        name, port = _named(word, rest, "docker/NAME")
        podman = kind.lower() == PODMAN
        return Target(name, "", port, "Container", scheme=PODMAN if podman else "")
    if slash and kind.lower() == "compose":
        return _of_compose(word, rest)
    return entrance_of(word) or pods_of(word) if slash else _of_address(word)


def _of_compose(word: str, rest: str) -> Target:
    project, slash, service = rest.rpartition("/")
    if slash and not NAME.fullmatch(project):
        raise UsageProblem(f"'{shown(word)}' has no project name", "type compose/PROJECT/SERVICE")
    name, port = _named(word, service, "compose/PROJECT/SERVICE")
    return Target(name, project, port, "Compose")


def _named(word: str, rest: str, form: str) -> tuple[str, str | None]:
    name, colon, port = rest.partition(":")
    if not NAME.fullmatch(name):
        raise UsageProblem(f"'{shown(word)}' has no name of a container", f"type {form} or {form}:PORT")
    return name, port_of(word, port, form) if colon else None


def _of_url(word: str, scheme: str, rest: str) -> Target:
    """The host and port of a URL, and the path by which an entrance may own it."""
    place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    host, port = _split(place)
    if not port and scheme not in PORTS:
        raise UsageProblem(f"'{shown(word)}' has no port", f"type {scheme}://HOST:PORT")
    path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")[2][:MOST_OF_A_PATH]
    return replace(_address(word, host, port or str(PORTS[scheme]), scheme), path=f"/{path}" if path else "")


def _of_address(word: str) -> Target | None:
    host, port = _split(word)
    if ":" in host and _BARE_V6.fullmatch(word):
        raise UsageProblem(
            f"'{shown(word)}' may end in a port or not", "put an IPv6 address in brackets: [::1]:80"
        )
    if not (word.startswith((":", "[")) or "." in host or host.lower() == "localhost") or ":" not in word:
        return None
    if port is None:
        raise UsageProblem(f"'{shown(word)}' has no port", f"type {shown(word)}:PORT")
    return _address(word, host, port, "")


def _split(place: str) -> tuple[str, str | None]:
    """Host and port, None where no colon stands in front of one; brackets are taken off."""
    if place.startswith("["):
        host, bracket, rest = place[1:].partition("]")
        return host, rest[1:] if bracket and rest.startswith(":") else None
    host, colon, port = place.rpartition(":")
    return (host, port) if colon else (place, None)


def _address(word: str, host: str, port: str, scheme: str) -> Target:
    if ":" in host:
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            raise UsageProblem(
                f"'{shown(host)}' is no IPv6 address", "type [ADDRESS]:PORT, such as [::1]:80"
            ) from None
    elif host and not _HOST.fullmatch(host):
        raise UsageProblem(f"'{shown(host)}' is no host name", "type HOST:PORT")
    return Target(host.lower(), "", port_of(word, port, "HOST"), "Address", scheme=scheme)


def port_of(word: str, port: str, form: str) -> str:
    """The number as text without leading zeros. Raises UsageProblem."""
    number = port.lstrip("0")
    if port.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535:
        return number
    if not port:
        raise UsageProblem(f"nothing follows the colon of '{shown(word)}'", f"type {form}:PORT")
    raise UsageProblem(f"port '{shown(port)}' is not between 1 and 65535", f"type {form}:PORT")


def ask_which(words: Sequence[str]) -> None:
    """Raise UsageProblem for a word that means a Service to users of kubectl, and a host to all others."""
    for word in words:
        name, colon, port = word.partition(":")
        if colon and name and "/" not in word and place_of(word) is None:
            raise UsageProblem(
                f"'{shown(word)}' may be a Service or a host",
                f"type svc/{shown(name)}:{shown(port)} or tcp://{shown(name)}:{shown(port)}",
            )
