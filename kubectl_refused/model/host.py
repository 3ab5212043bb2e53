"""What a machine without Kubernetes tells of itself: its sockets, its services, its other network namespaces."""

from __future__ import annotations

from msgspec import Struct

from .gaps import Gap
from .observation import Socket


class HostSocket(Socket, frozen=True):
    """A listening socket (TCP) or one that takes datagrams of anybody (UDP), and whose it is.

    `unit` is the systemd unit, and `container` the container (`docker 4f2a9c81d0b3`), in whose control group its
    owner runs. `forwards` says where a process only passes connections on (`svc/web:80 by kubectl port-forward`),
    `backlog` how many may wait to be accepted.
    """

    protocol: str = "tcp"
    user: str = ""
    command: str = ""
    unit: str = ""
    container: str = ""
    forwards: str = ""
    backlog: int | None = None


class HostSockets(Struct, frozen=True):
    """Every listening socket of this network namespace, by port; `gaps` say what stayed unknown of them."""

    sockets: tuple[HostSocket, ...]
    witness: str = "this machine"
    gaps: tuple[Gap, ...] = ()


class Space(Struct, frozen=True):
    """Another network namespace of this machine: a process in it, its container, and its listening sockets."""

    pid: int
    process: str
    sockets: tuple[Socket, ...]
    container: str = ""

    @property
    def called(self) -> str:
        """The container, or the process whose namespace it is."""
        return self.container or f"{self.process} (pid {self.pid})"


class Unit(Struct, frozen=True):
    """A systemd service as `systemctl show` tells it; times are its own text, `lines` its journal's, oldest first.

    `for_port` tells that servers of its name listen on the port asked about as a rule.
    `failed` tells that ActiveState is failed, `restarting` that systemd starts it again and again.
    """

    name: str
    description: str = ""
    active: str = ""
    sub: str = ""
    result: str = ""
    exit_code: str = ""
    exit_status: int = 0
    restarts: int = 0
    enabled: str = ""
    since: str = ""
    at_boot: bool = False
    for_port: bool = False
    lines: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether systemd gave it up."""
        return self.active == "failed"

    @property
    def restarting(self) -> bool:
        """Whether it is between two starts."""
        return self.sub == "auto-restart"

    @property
    def down(self) -> bool:
        """Whether it does not run, and is not on its way down or up."""
        return self.active in ("failed", "inactive") or self.restarting


class Units(Struct, frozen=True):
    """Services that do not run though somebody wanted them to, and those known by the port asked about."""

    units: tuple[Unit, ...]
    witness: str = "systemd"


class Machine(Struct, frozen=True):
    """What this machine is: `kind` is wsl, container or empty; ports below `low_port` need a privilege to bind."""

    kind: str = ""
    low_port: int = 1024
