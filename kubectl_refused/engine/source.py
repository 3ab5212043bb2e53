"""Read an engine's objects: the containers asked about in full, of the others what the list tells."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from kubectl_refused.model.containers import Engine, EngineContainer, EngineNetwork
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.text import one_line
from kubectl_refused.trace.start_order import asks_for

from .connect import EngineConnection, EngineProblem

T = TypeVar("T")
MOST_INSPECTED = 200
ENDED = ("exited", "restarting")
EVERY = Target("", "", None, "Container")  # all of them in full
# TEST-NET-1 (RFC 5737): where a packet to another machine would leave. Connecting a UDP socket sends nothing.
_ELSEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))


class EngineSource:
    """Reads through one connection. `others` are words of containers that are needed in full as well."""

    origin = "engine"

    def __init__(self, connection: EngineConnection, others: Iterable[str] = ()) -> None:
        self._connection, self._others = connection, tuple(others)

    def read(self, target: Target) -> Iterable[Change]:
        """Yield the engine, its networks and its containers. Raises EngineProblem."""
        networks = [_read(n, EngineNetwork) for n in self._ask(lambda api: api.networks())]
        yield Change(time.time(), value=self._engine(networks))
        yield from (Change(time.time(), value=n) for n in networks if n.name)
        yield Change(time.time(), covered=Coverage("EngineNetwork", ""))
        listed = self._ask(lambda api: api.containers(all=True))
        yield from self._containers(listed, target)
        yield Change(time.time(), covered=Coverage("EngineContainer", ""))

    def _containers(self, listed: list[dict[str, Any]], target: Target) -> Iterator[Change]:
        meant = [entry for entry in listed if _is_meant(entry, target, self._others)][:MOST_INSPECTED]
        full = {str(entry["Id"]): self._inspected(entry) for entry in meant}
        ended = [one for one in full.values() if isinstance(one, EngineContainer) and one.state.status in ENDED]
        for entry in listed:
            of_list = from_list(entry)
            # Of what has ended, the log may tell of those it asked for.
            if entry not in meant and len(full) < MOST_INSPECTED and any(asks_for(one, of_list) for one in ended):
                full[str(entry["Id"])] = self._inspected(entry)
            container = full.get(str(entry.get("Id")), of_list)
            if isinstance(container, Gap):
                yield Change(time.time(), gap=container)
            elif container is not None:
                yield Change(time.time(), value=container)

    def _inspected(self, entry: Mapping[str, Any]) -> EngineContainer | Gap | None:
        """None for one that went away meanwhile."""
        from docker.errors import NotFound

        try:
            return _read(self._ask(lambda api: api.inspect_container(entry["Id"])), EngineContainer)
        except NotFound:
            return None
        except OddObject as error:
            return Gap("a container", f"it does not read as one: {one_line(str(error))}")

    def _engine(self, networks: list[EngineNetwork]) -> Engine:
        told = self._ask(lambda api: api.info())
        system = one_line(str(told.get("OperatingSystem", "")))
        local = not self._connection.remote and sys.platform == "linux" and "Desktop" not in system
        return Engine(
            endpoint=self._connection.endpoint,
            name=one_line(str(told.get("Name", ""))),
            version=one_line(str(told.get("ServerVersion", ""))),
            operating_system=system,
            local=local,
            host=self._connection.remote,
            addresses=tuple(host_addresses(networks)) if local else (),
            podman=_is_podman(self._ask(lambda api: api.version())),
        )

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """An answer of the engine. Raises EngineProblem, and docker's NotFound."""
        from docker.errors import APIError, NotFound
        from requests.exceptions import RequestException

        self._connection.cancel.check()
        try:
            return question(self._connection.api)
        except NotFound:
            raise
        except (APIError, RequestException) as error:
            raise EngineProblem(f"the container engine does not answer: {one_line(str(error))}") from error


def _is_podman(version: Mapping[str, Any]) -> bool:
    """Whether Podman answers, which names itself as the first component (GET /version)."""
    components = version.get("Components") or ()
    return any("podman" in str(one.get("Name", "")).lower() for one in components)


def from_list(entry: Mapping[str, Any]) -> EngineContainer:
    """A container as a list shows it (GET /containers/json): no configuration, but name, state and networks."""
    return _read(
        {
            "Id": entry.get("Id", ""),
            "Name": (entry.get("Names") or [""])[0],
            "State": {"Status": entry.get("State") or ""},
            "Config": {"Image": entry.get("Image", ""), "Labels": entry.get("Labels") or {}},
            "NetworkSettings": {
                "Networks": (entry.get("NetworkSettings") or {}).get("Networks"),
                "Ports": _ports(entry),
            },
        },
        EngineContainer,
    )


def _ports(entry: Mapping[str, Any]) -> dict[str, list[dict[str, str]] | None]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in entry.get("Ports") or ():
        places = found.setdefault(f"{port.get('PrivatePort')}/{port.get('Type')}", [])
        if port.get("PublicPort"):
            places.append({"HostIp": port.get("IP") or "", "HostPort": str(port["PublicPort"])})
    return {key: places or None for key, places in found.items()}


def _is_meant(entry: Mapping[str, Any], target: Target, others: Iterable[str]) -> bool:
    names = [str(name).lstrip("/") for name in entry.get("Names") or ()]
    words = (*others, *((target.name,) if target.kind == "Container" else ()))
    labels = entry.get("Labels") or {}
    if target == EVERY:
        return True
    of_compose = target.kind == "Compose" and labels.get("com.docker.compose.service") == target.name
    return of_compose or any(w in names or (len(w) >= 4 and str(entry.get("Id", "")).startswith(w)) for w in words)


def _read(value: Any, type_: type[T]) -> T:
    """Plain data as one of ours, its text cleaned. Raises OddObject."""
    return decode(msgspec.json.encode(value), type_)


def host_addresses(networks: Iterable[EngineNetwork]) -> Iterator[str]:
    """This machine's own addresses: where packets leave, then its side of the engine's bridges."""
    for elsewhere, family in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            try:
                one.connect((elsewhere, 9))
                yield one.getsockname()[0]
            except OSError:
                continue
    for network in networks:
        if network.driver == "bridge":
            yield from (part.gateway for part in network.ipam.config or () if part.gateway)
