"""Who starts after whom, as compose is told, and whether a client waits for long enough. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.scene import Scene

from .engine_objects import PROJECT, SERVICE, client_in
from .mentions import mentions, names_of

# Compose writes it on what it makes: `db:service_healthy:false,cache:service_started:true`.
DEPENDS_ON = "com.docker.compose.depends_on"
STARTED, HEALTHY = "service_started", "service_healthy"
# The engine itself tries again with these.
_TRIES_AGAIN = ("always", "unless-stopped", "on-failure")
MOST_SERVERS = 8


def conditions(container: EngineContainer) -> Mapping[str, str]:
    """By service, what must be true of it before the container is started."""
    label = (container.config.labels or {}).get(DEPENDS_ON, "")
    parts = [part.split(":") for part in label.split(",") if part]
    return {part[0]: part[1] if len(part) > 1 and part[1] else STARTED for part in parts}


def condition_on(client: EngineContainer, server: EngineContainer) -> str:
    """What the client waits for; empty where nothing makes it wait."""
    mine, its = client.config.labels or {}, server.config.labels or {}
    if mine.get(PROJECT) != its.get(PROJECT):
        return ""
    return conditions(client).get(its.get(SERVICE, ""), "")


def has_health_check(container: EngineContainer) -> bool:
    """Whether somebody asks it how it is; `NONE` switches an image's own check off."""
    words = container.config.healthcheck.test if container.config.healthcheck else None
    return bool(words) and words[0] != "NONE" if words else False


def waits(client: EngineContainer, server: EngineContainer) -> bool:
    """Whether the client is started only when the server's own check says that it serves."""
    return condition_on(client, server) == HEALTHY and has_health_check(server)


def tries_again(container: EngineContainer) -> bool:
    """Whether the engine starts it again when it fails."""
    return container.host_config.restart_policy.name in _TRIES_AGAIN


def asks_for(client: EngineContainer, server: EngineContainer) -> bool:
    """Whether the client depends on the server, or is told to dial it."""
    return bool(condition_on(client, server)) or any(m.host in names_of(server) for m in mentions(client))


def servers_of(client: EngineContainer, scene: Scene) -> Iterator[EngineContainer]:
    """The containers that it asks for."""
    others = (c for c in scene.snapshot.containers() if c.id != client.id)
    asked = [c for c in others if asks_for(client, c)]
    yield from asked[:MOST_SERVERS]


def pairs(scene: Scene) -> Iterator[tuple[EngineContainer, EngineContainer]]:
    """Client and server: the client that was named with the target, and the target with those that it asks for."""
    container, client = scene.container, client_in(scene)
    if container is None:
        return
    if client is not None:
        yield client, container
        return
    yield from ((container, server) for server in servers_of(container, scene))


def seconds_between(earlier: str, later: str) -> float | None:
    """From one time of the engine (RFC 3339) to another; None where one of them is not told."""
    first, second = moment(earlier), moment(later)
    return None if first is None or second is None else second - first


def moment(text: str) -> float | None:
    """Seconds since the epoch; None for what is no time, or never was (year 1)."""
    whole, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))][:6]
    try:
        seconds = datetime.fromisoformat(whole.rstrip("Z")[:19] + "+00:00").timestamp()
    except ValueError:
        return None
    return seconds + float(f"0.{digits or 0}") if seconds > 0 else None
