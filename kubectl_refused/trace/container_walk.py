"""The walk of a container: from the addresses of the host on which a port is published, to the container. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.model.containers import EngineContainer, PublishedPort
from kubectl_refused.model.facts import HANDSHAKE, Dial, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target, Vantage

from .engine_objects import addresses_of, client_in, container_of, ports_of, state_told, ways_in
from .walks import Stop


def scenes(target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage) -> tuple[Scene, ...]:
    """One for each port asked for; one without a container, or without a port, where there is none."""
    bare = Scene(target, vantage, snapshot, facts)
    container = container_of(target, snapshot)
    if container is None:
        return (bare,)
    ports = asked_ports(target, container)
    if not ports and target.port and client_in(bare):
        ports = (PublishedPort(int(target.port)),)  # containers reach each other at any port
    found = tuple(_scene(bare, container, port) for port in ports)
    return found or (Scene(target, vantage, snapshot, facts, container=container),)


def asked_ports(target: Target, container: EngineContainer) -> tuple[PublishedPort, ...]:
    """The container's port of that number, else the one published on it; all TCP ports where none was named,
    published ones if there are such, and UDP ones where there are no others."""
    ports = ports_of(container)
    if target.port is not None:
        number = int(target.port)
        own = [p for p in ports if p.number == number]
        led = [p for p in ports if any(port == number for _, port in p.places)]
        return tuple((own or led)[:1])
    published = tuple(p for p in ports if p.places) or ports
    return tuple(p for p in published if p.protocol == "tcp") or published


def _scene(bare: Scene, container: EngineContainer, port: PublishedPort) -> Scene:
    engine = bare.snapshot.engine
    ways: tuple[Dial, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    if port.protocol == "tcp" and not bare.from_files:
        ways = tuple(Dial(host, number, bare.vantage.key) for host, number in ways_in(container, port, bare))
        if engine.local and client_in(bare) is None and container.state.status in ("running", "paused"):
            endpoints = tuple(Endpoint(address, port.number) for address in addresses_of(container)[:1])
    return Scene(
        bare.target,
        bare.vantage,
        bare.snapshot,
        bare.facts,
        ways=ways,
        endpoints=endpoints,
        container=container,
        published=port,
    )


def questions(scene: Scene) -> Iterator[Need]:
    """Each way in, and what the engine sends connections on to."""
    if scene.container is None or scene.from_files:
        return
    for dial in scene.ways:
        yield Need(HANDSHAKE, dial)
    for endpoint in scene.ready_endpoints:
        yield Need(HANDSHAKE, scene.at_endpoint(endpoint).endpoint_dial)


def not_walked(target: Target, snapshot: Snapshot, depth: Depth) -> Iterator[Gap]:
    """Ports that are not TCP."""
    container = container_of(target, snapshot)
    for port in asked_ports(target, container) if container else ():
        if port.protocol != "tcp":
            yield Gap(f"port {port}", "only TCP is dialled")


def stops(scene: Scene) -> Sequence[Stop]:
    """The container with its state and network, then its own address and port."""
    if scene.container is None:
        return ()
    found = [Stop(state_told(scene.container), frozenset({"container"}))]
    if scene.published:
        address = next(iter(addresses_of(scene.container)), "")
        shown = f"[{address}]" if ":" in address else address
        label = f"{shown}:{scene.published.number}" if shown else f"port {scene.published}"
        found.append(Stop(label, frozenset({"inside"})))
    return found
