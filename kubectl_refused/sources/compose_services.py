"""One service of a compose file as the container that compose would create. Pure; odd values raise ValueError."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kubectl_refused.model.containers import EngineContainer, EngineNetwork
from kubectl_refused.patterns import lazily
from kubectl_refused.sources.decoding import decode
from kubectl_refused.trace.engine_objects import PROJECT, SERVICE
from kubectl_refused.trace.start_order import DEPENDS_ON, STARTED

DEFAULT = "default"
MOST_PORTS = 1000  # of one range
# ${NAME}, ${NAME:-default}, ${NAME-default}, $NAME; ${NAME:?error} has no default.
_VARIABLE = lazily(r"\$(?:\{(\w{1,100})(?::?-([^{}]{0,200}))?[^{}]{0,200}\}|(\w{1,100}))", re.ASCII)
_PORT = lazily(
    r"(?:(?:(?P<host>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<published>\d{1,5}(?:-\d{1,5})?)?:)?"
    r"(?P<target>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>tcp|udp|sctp))?",
    re.ASCII,
)


def container_of_service(name: str, service: Any, project: str, called: Mapping[str, str]) -> EngineContainer:
    """The promised container; `called` has the engine's names of networks. Raises ValueError and OddObject."""
    if not isinstance(service, dict):
        raise ValueError("it is no service")
    ports = list(_ports(service.get("ports") or ()))
    bindings: dict[str, list[dict[str, str]]] = {}
    for target, protocol, host, published in ports:
        bindings.setdefault(f"{target}/{protocol}", []).append({"HostIp": host, "HostPort": published})
    exposed = [f"{str(port).partition('/')[0]}/tcp" for port in _list(service.get("expose"))]
    mode = str(service.get("network_mode") or "")
    labels = {PROJECT: project, SERVICE: name, DEPENDS_ON: ",".join(_depends_on(service.get("depends_on")))}
    networks = {} if mode else _networks(service.get("networks"), called, name)
    value = {
        "Id": name,
        "Name": f"/{service.get('container_name') or name}",
        "Config": {
            "Image": str(service.get("image") or ""),
            "Env": list(_environment(service.get("environment"))),
            "Cmd": _words(service.get("command")),
            "Entrypoint": _words(service.get("entrypoint")),
            "ExposedPorts": {port: {} for port in [*exposed, *bindings]},
            "Labels": labels,
            "Healthcheck": _health_check(service.get("healthcheck")),
        },
        "HostConfig": {
            "NetworkMode": mode,
            "PortBindings": bindings,
            "RestartPolicy": {"Name": _restart_policy(service)},
        },
        "NetworkSettings": {"Networks": networks, "Ports": bindings},
    }
    return decode(msgspec.json.encode(value), EngineContainer)


def networks_of_file(value: Mapping[str, Any], project: str) -> Iterator[tuple[str, EngineNetwork]]:
    """Every network that the file makes or names, with the default one, by its name in the file."""
    given = value.get("networks")
    networks = {DEFAULT: None, **(given if isinstance(given, dict) else {})}
    for name, settings in networks.items():
        internal = isinstance(settings, dict) and settings.get("internal") is True
        network = EngineNetwork(name=_called(str(name), settings, project), driver="bridge", internal=internal)
        yield str(name), network


def _called(name: str, settings: Any, project: str) -> str:
    """As the engine will call it: an external one by its own name."""
    own = settings if isinstance(settings, dict) else {}
    return str(own.get("name") or (name if own.get("external") else f"{project}_{name}"))


def _networks(given: Any, called: Mapping[str, str], service: str) -> dict[str, dict[str, Any]]:
    named = given if isinstance(given, dict) else dict.fromkeys(map(str, _list(given) or (DEFAULT,)))
    found: dict[str, dict[str, Any]] = {}
    for name, settings in named.items():
        aliases = settings.get("aliases") if isinstance(settings, dict) else None
        found[called.get(str(name), str(name))] = {"Aliases": [service, *(map(str, _list(aliases)))]}
    return found


def _depends_on(given: Any) -> Iterator[str]:
    """As compose writes it into the label of what it makes: service, condition, and whether to restart with it."""
    settings = given if isinstance(given, dict) else dict.fromkeys(map(str, _list(given)))
    for name, more in settings.items():
        condition = more.get("condition") if isinstance(more, dict) else None
        yield f"{name}:{condition or STARTED}:false"


def _health_check(given: Any) -> dict[str, list[str]] | None:
    """The check; `NONE` where it is switched off."""
    if not isinstance(given, dict):
        return None
    if given.get("disable") is True:
        return {"Test": ["NONE"]}
    test = given.get("test")
    return {"Test": [filled(str(word)) for word in test] if isinstance(test, list) else ["CMD-SHELL", str(test)]}


def _restart_policy(service: Mapping[str, Any]) -> str:
    """`restart:`, else that of a swarm's `deploy:`, which compose takes too."""
    if service.get("restart"):
        return str(service["restart"]).partition(":")[0]
    deploy = service.get("deploy")
    policy = deploy.get("restart_policy") if isinstance(deploy, dict) else None
    condition = str(policy.get("condition") or "any") if isinstance(policy, dict) else "none"
    return {"any": "always", "on-failure": "on-failure"}.get(condition, "no")


def _environment(given: Any) -> Iterator[str]:
    pairs = given.items() if isinstance(given, dict) else ((str(one).partition("=")[::2]) for one in _list(given))
    yield from (f"{name}={filled(str(value))}" for name, value in pairs if value is not None)


def _list(given: Any) -> list[Any]:
    """The list, or nothing for what is none."""
    return given if isinstance(given, list) else []


def _words(given: Any) -> list[str] | None:
    if given is None:
        return None
    return [filled(str(word)) for word in given] if isinstance(given, list) else filled(str(given)).split()


def filled(text: str) -> str:
    """The text with each variable's default, and nothing for one without."""
    return _VARIABLE.sub(lambda found: found[2] or "", text)


def _ports(given: Any) -> Iterator[tuple[int, str, str, str]]:
    """(target, protocol, host address, published port) of short and long forms, ranges one by one."""
    for port in given if isinstance(given, list) else ():
        if isinstance(port, dict):
            published, target = str(port.get("published") or ""), str(port.get("target") or "")
            yield from _range(
                target, published, str(port.get("host_ip") or ""), str(port.get("protocol") or "tcp")
            )
            continue
        found = _PORT.fullmatch(filled(str(port)))
        if not found:
            raise ValueError(f"{port} is no port")
        host = (found["host"] or "").strip("[]")
        yield from _range(found["target"], found["published"] or "", host, found["protocol"] or "tcp")


def _range(target: str, published: str, host: str, protocol: str) -> Iterator[tuple[int, str, str, str]]:
    first, last = _ends(target)
    start, end = _ends(published) if published else (0, 0)
    if published and end - start != last - first:
        raise ValueError(f"{published}:{target} are ranges of two lengths")
    for step in range(min(last - first + 1, MOST_PORTS)):
        yield first + step, protocol, host, str(start + step) if published else ""


def _ends(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise ValueError(f"{text or 'nothing'} is no port")
    ends = int(first), int(last or first)
    if not 0 < ends[0] <= ends[1] <= 65535:
        raise ValueError(f"{text} is no port")
    return ends
