"""Addresses that a client's settings name: variables of its containers, never more of a value than host and port.

Variables are read where the pod's spec or a ConfigMap holds them; what is in a Secret is named, and not read.

A value may hold a password: what is told of it is the address alone. Pure; patterns are bounded and values are cut
first, since a spec is written by others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from kubectl_refused.model.objects import ConfigMap, Container, Pod
from kubectl_refused.patterns import lazily

MOST_CHARACTERS, MOST_VARIABLES, MOST_ADDRESSES, MOST_CONFIG_MAPS = 2000, 300, 100, 10
# Ports that clients take where a URL names none.
_DEFAULTS = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306,
    "mariadb": 3306, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "mongodb": 27017, "nats": 4222,
    "ldap": 389, "ldaps": 636, "kafka": 9092,
}  # fmt: skip
_NAME = r"(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?)"
_URL = lazily(rf"\b([a-z][a-z0-9+.-]{{1,20}})://(?:[^\s/@'\"]{{0,200}}@)?((?:{_NAME}(?::\d{{1,5}})?,?){{1,20}})")
_ENTRY = lazily(rf"({_NAME})(?::(\d{{1,5}}))?,?")
_ALONE = lazily(rf"(?<![\w./@:-])({_NAME}):(\d{{1,5}})(?![\w:.-])")
# `DB_HOST` and `DB_PORT` name one address together.
_HOST_OF = lazily(r"(.*?)_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$", re.IGNORECASE)
# What a container is told to listen on is no address that it dials.
_OWN = lazily(r"LISTEN|BIND|(?:^|_)(?:NO_PROXY|POD_IP|HOST_IP)$", re.IGNORECASE)


class Variable(NamedTuple):
    """A variable as its container gets it. `config_map` and `key` say where from; a plain value has neither.

    `hidden`: a Secret whose keys nobody reads comes later and may set it anew.
    """

    value: str
    config_map: str = ""
    key: str = ""
    hidden: bool = False


class Told(NamedTuple):
    """One address: the container and the variable that name it."""

    container: str
    name: str
    host: str
    port: int
    variable: Variable

    @property
    def address(self) -> str:
        """`web:8080`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kept(NamedTuple):
    """A variable whose value is in a Secret; `name` is empty where every key of the Secret is one (envFrom)."""

    container: str
    name: str
    secret: str


Maps = Mapping[str, ConfigMap]


def config_maps(pod: Pod) -> tuple[str, ...]:
    """The names of the ConfigMaps that the pod's variables come from, each once."""
    found: dict[str, None] = {}
    for container in _containers(pod):
        for source in container.env_from or ():
            if source.config_map_ref:
                found[source.config_map_ref.name] = None
        for entry in (container.env or ())[:MOST_VARIABLES]:
            if entry.value_from and entry.value_from.config_map_key_ref:
                found[entry.value_from.config_map_key_ref.name] = None
    return tuple(name for name in found if name)[:MOST_CONFIG_MAPS]


def has_variables(pod: Pod) -> bool:
    """Whether any variable of the pod's containers is set at all."""
    return any(container.env or container.env_from for container in _containers(pod))


def kept_in_secrets(pod: Pod) -> Iterator[Kept]:
    """The variables whose values are in Secrets."""
    for container in _containers(pod):
        for entry in (container.env or ())[:MOST_VARIABLES]:
            if entry.value_from and entry.value_from.secret_key_ref:
                yield Kept(container.name, entry.name, entry.value_from.secret_key_ref.name)
        for source in container.env_from or ():
            if source.secret_ref:
                yield Kept(container.name, "", source.secret_ref.name)


def addresses(pod: Pod, maps: Maps = MappingProxyType({})) -> Iterator[Told]:
    """Every address that the variables of the pod's containers name, each once. `maps` has ConfigMaps by name."""
    seen: set[tuple[str, str, str, int]] = set()
    for container in _containers(pod):
        for told in _of(container, maps):
            key = told[:4]
            if key not in seen and len(seen) < MOST_ADDRESSES:
                seen.add(key)
                yield told


def speaks_of(variable: str, service: str) -> bool:
    """Whether WEB_URL speaks of svc/web."""
    wanted = re.sub(r"[^A-Z0-9]", "_", service.upper())
    return re.search(rf"(?:^|_){wanted}(?:_|$)", re.sub(r"[^A-Z0-9]", "_", variable.upper())) is not None


def _containers(pod: Pod) -> tuple[Container, ...]:
    return (*(pod.spec.containers or ()), *(pod.spec.init_containers or ()))


def _of(container: Container, maps: Maps) -> Iterator[Told]:
    variables = {name: v for name, v in _variables(container, maps).items() if v.value and not _OWN.search(name)}
    values = {name: variable.value for name, variable in variables.items()}
    for name, value in values.items():
        for host, port in (*_named(value), *_paired(name, value, values)):
            if 0 < port < 65536:
                yield Told(container.name, name, host.strip("[]").rstrip("."), port, variables[name])


def _variables(container: Container, maps: Maps) -> dict[str, Variable]:
    """The kubelet's order (kubelet_pods.go, makeEnvironmentVariables): envFrom, then env; the last one counts."""
    found: dict[str, Variable] = {}
    for source in container.env_from or ():
        if source.secret_ref:
            found = {name: variable._replace(hidden=True) for name, variable in found.items()}
        if source.config_map_ref:
            name = source.config_map_ref.name
            for key in list(_data(maps, name))[:MOST_VARIABLES]:
                found[source.prefix + key] = Variable(_data(maps, name)[key], name, key)
    for entry in (container.env or ())[:MOST_VARIABLES]:
        ref = entry.value_from.config_map_key_ref if entry.value_from else None
        if ref:
            found[entry.name] = Variable(_data(maps, ref.name).get(ref.key, ""), ref.name, ref.key)
        else:
            found[entry.name] = Variable((entry.value or "")[:MOST_CHARACTERS])
    return found


def _data(maps: Maps, name: str) -> dict[str, str]:
    data = maps[name].data if name in maps else None
    return {key: value[:MOST_CHARACTERS] for key, value in (data or {}).items() if isinstance(value, str)}


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
