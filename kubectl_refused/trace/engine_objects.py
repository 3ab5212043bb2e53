"""What an engine's objects say of a container: its ports, addresses, networks and state. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kubectl_refused.model.containers import EngineContainer, EngineNetwork, PublishedPort, State
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def container_of(target: Target, snapshot: Snapshot) -> EngineContainer | None:
    """The container of that name, or whose id starts so; of a compose service the first."""
    if target.kind == "Compose":
        return next((c for c in snapshot.containers() if is_of(target, c)), None)
    named = (c for c in snapshot.containers() if c.called == target.name)
    like = [c for c in snapshot.containers() if len(target.name) >= 4 and c.id.startswith(target.name)]
    return next(named, like[0] if len(like) == 1 else None)


def is_of(target: Target, container: EngineContainer) -> bool:
    """Whether compose made the container for the target's service; without a project, of whichever."""
    labels = container.config.labels or {}
    return labels.get(SERVICE) == target.name and target.namespace in ("", labels.get(PROJECT))


def ports_of(container: EngineContainer) -> tuple[PublishedPort, ...]:
    """Every port that the container publishes or exposes, published ones first."""
    given = dict.fromkeys([*(container.config.exposed_ports or {}), *(container.host_config.port_bindings or {})])
    seen: dict[str, object] = dict.fromkeys(given) | dict(container.network_settings.ports or {})
    wanted = container.host_config.port_bindings or {}
    found = [_port(key, places or wanted.get(key)) for key, places in seen.items()]
    return tuple(sorted((p for p in found if p), key=lambda p: (not p.places, p.protocol, p.number)))


def _port(key: str, places: object) -> PublishedPort | None:
    number, _, protocol = key.partition("/")
    if not (number.isascii() and number.isdigit()):
        return None
    told = [(p.host_ip, int(p.host_port)) for p in places or () if p.host_port.isdigit()]  # type: ignore[attr-defined]
    return PublishedPort(int(number), protocol or "tcp", tuple(dict.fromkeys(told)))


def addresses_of(container: EngineContainer) -> tuple[str, ...]:
    """The container's own addresses, of every network, IPv4 first."""
    nets = (container.network_settings.networks or {}).values()
    found = [n.ip_address for n in nets] + [n.global_ipv6_address for n in nets]
    return tuple(address for address in found if address)


def client_in(scene: Scene) -> EngineContainer | None:
    """The container in which the client stands; None for a client on the host."""
    kind, _, word = scene.vantage.name.partition("/")
    if kind != "docker":
        return None
    return container_of(Target(word, "", None, "Container"), scene.snapshot)


def shared_networks(one: EngineContainer, other: EngineContainer) -> tuple[str, ...]:
    """The names of networks on which both are."""
    mine = other.network_settings.networks or {}
    return tuple(
        name for name in one.network_settings.networks or {} if name in mine and name not in ("none", "host")
    )


def ways_between(
    container: EngineContainer, port: PublishedPort, client: EngineContainer, scene: Scene
) -> tuple[str, int]:
    """What another container dials: the address on a network of both, at the port that was asked for."""
    networks = container.network_settings.networks or {}
    names = shared_networks(container, client) or tuple(networks)
    address = next((networks[name].ip_address for name in names if networks[name].ip_address), "")
    return address, int(scene.target.port or port.number)


def ways_in(container: EngineContainer, port: PublishedPort, scene: Scene) -> Iterator[tuple[str, int]]:
    """What a client on the host dials: localhost where all addresses are published, and the host's own address.

    A client in another container dials the container itself.
    """
    client = client_in(scene)
    if client is not None:
        address, number = ways_between(container, port, client, scene)
        yield from ((address, number) for one in (address,) if one)
        return
    found: dict[tuple[str, int], None] = {}
    elsewhere = scene.snapshot.engine.host
    for address, number in port.places:
        if elsewhere:
            found |= {("127.0.0.1", number): None, (elsewhere, number): None}
            continue
        found[(_ANY.get(address, address), number)] = None
        if address in ("", "0.0.0.0", "::"):
            mine = [a for a in scene.snapshot.engine.addresses if (":" in a) == (address == "::")]
            found |= {(a, number): None for a in mine[:1]}
    yield from found


def state_told(container: EngineContainer) -> str:
    """`web: running on bridge`."""
    nets = ", ".join(container.network_settings.networks or {})
    return f"{container.called}: {container.state.status or 'not started'}" + (f" on {nets}" if nets else "")


def network_mode(container: EngineContainer) -> str:
    """host, none, or the name of a network; `default` is the engine's own bridge."""
    return container.host_config.network_mode


def networks_of(container: EngineContainer, snapshot: Snapshot) -> tuple[EngineNetwork, ...]:
    """The networks of the container that were read."""
    names = set(container.network_settings.networks or {})
    return tuple(network for network in snapshot.networks() if network.name in names)


def publishes(container: EngineContainer, port: int) -> bool:
    """Whether it holds that TCP port of the host."""
    return any(number == port for p in ports_of(container) if p.protocol == "tcp" for _, number in p.places)


def ending_told(state: State) -> str:
    """`exited with code 3`, `was created and never started`."""
    words = {"created": "was created and never started", "removing": "is being removed"}
    return (
        words.get(state.status)
        or f"{'exited' if state.status == 'exited' else 'died'} with code {state.exit_code}"
    )


def started_before(scene: Scene, container: EngineContainer) -> float:
    """How many seconds before the objects were read it was started; many where nobody tells."""
    try:
        started = datetime.fromisoformat(container.state.started_at[:19] + "+00:00").timestamp()
    except ValueError:
        return float("inf")
    return max(0.0, scene.snapshot.taken - started) if started > 0 else float("inf")
