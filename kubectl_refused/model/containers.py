"""The fields of an engine's objects that a diagnosis reads, as slim frozen Structs.

Names and meanings are those of the Docker Engine API (`docker inspect`), which Podman's socket gives too.
Fields unknown here are ignored, and every list or map may be null.
"""

from __future__ import annotations

import msgspec

from .objects import Metadata


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The base of all engine objects: frozen, keyword-only, PascalCase on the wire."""


class HostPort(Struct, frozen=True):
    """Where a port is published: `host_port` is text in the API, empty where the engine chooses one."""

    host_ip: str = ""
    host_port: str = ""


Ports = dict[str, tuple[HostPort, ...] | None]  # by `80/tcp`; null: exposed and not published


class HealthCheck(Struct, frozen=True):
    """One run of a health check."""

    exit_code: int = 0
    output: str = ""


class Health(Struct, frozen=True):
    status: str = ""
    failing_streak: int = 0
    log: tuple[HealthCheck, ...] | None = None


class State(Struct, frozen=True):
    """`status` is created, running, paused, restarting, removing, exited or dead; empty in a file."""

    status: str = ""
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: str = ""
    finished_at: str = ""
    health: Health | None = None


class Test(Struct, frozen=True):
    """A health check as it is configured."""

    test: tuple[str, ...] | None = None


class Config(Struct, frozen=True):
    image: str = ""
    env: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    exposed_ports: dict[str, object] | None = None
    labels: dict[str, str] | None = None
    healthcheck: Test | None = None


class RestartPolicy(Struct, frozen=True):
    name: str = ""
    maximum_retry_count: int = 0


class HostConfig(Struct, frozen=True):
    """What the container was created with; `network_mode` is a network's name, host, none or container:ID."""

    network_mode: str = ""
    port_bindings: Ports | None = None
    restart_policy: RestartPolicy = RestartPolicy()
    memory: int = 0


class Attachment(Struct, frozen=True):
    """One network of a container, with its addresses and names there."""

    network_id: str = msgspec.field(default="", name="NetworkID")
    ip_address: str = msgspec.field(default="", name="IPAddress")
    global_ipv6_address: str = msgspec.field(default="", name="GlobalIPv6Address")
    gateway: str = ""
    aliases: tuple[str, ...] | None = None


class NetworkSettings(Struct, frozen=True):
    ports: Ports | None = None
    networks: dict[str, Attachment] | None = None


class EngineContainer(Struct, frozen=True):
    """A container as `docker inspect` shows it."""

    id: str = ""
    name: str = ""
    path: str = ""
    args: tuple[str, ...] | None = None
    restart_count: int = 0
    state: State = State()
    config: Config = Config()
    host_config: HostConfig = HostConfig()
    network_settings: NetworkSettings = NetworkSettings()

    @property
    def called(self) -> str:
        """Its name without the slash that the API puts in front."""
        return self.name.lstrip("/")

    @property
    def metadata(self) -> Metadata:
        """What a Snapshot finds it by."""
        return Metadata(name=self.called)


class AddressRange(Struct, frozen=True):
    subnet: str = ""
    gateway: str = ""


class Ipam(Struct, frozen=True):
    config: tuple[AddressRange, ...] | None = None


class EngineNetwork(Struct, frozen=True):
    """A network as `docker network inspect` shows it. Nothing leaves an `internal` one."""

    id: str = ""
    name: str = ""
    driver: str = ""
    internal: bool = False
    enable_ipv6: bool = msgspec.field(default=False, name="EnableIPv6")
    ipam: Ipam = msgspec.field(default_factory=Ipam, name="IPAM")
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None

    @property
    def metadata(self) -> Metadata:
        """What a Snapshot finds it by."""
        return Metadata(name=self.name)


class Engine(Struct, frozen=True):
    """The engine itself: how it is reached, and the addresses of the machine it publishes ports on.

    `local` tells that it runs on this machine and in this network, so that its containers' addresses can be
    dialled from here; else `host` is where it publishes ports, if that is known. `addresses` are this machine's,
    without loopback; empty where the engine is elsewhere. `podman` tells that it is Podman behind Docker's API.
    """

    endpoint: str = ""
    name: str = ""
    version: str = ""
    operating_system: str = ""
    local: bool = False
    host: str = ""
    addresses: tuple[str, ...] = ()
    podman: bool = False

    @property
    def tool(self) -> str:
        """The command that people type for it."""
        return "podman" if self.podman else "docker"

    @property
    def metadata(self) -> Metadata:
        """There is one."""
        return Metadata(name="engine")


EngineObject = EngineContainer | EngineNetwork | Engine


class PublishedPort(msgspec.Struct, frozen=True):
    """One port of a container: `places` are the addresses and ports of the host that lead to it."""

    number: int
    protocol: str = "tcp"
    places: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"
