"""The listening sockets of a container out of /proc, where its processes are this machine's and may be looked at.

Nothing runs in the container and its image needs no tools. An engine may count processes in a namespace of its own
(Docker in Docker, Desktop): only a process whose cgroup names the container is believed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.facts import CONTAINER_LISTENERS, EngineKey, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.proc_net import PROCESS_MARK, parse_owners, was_read, with_owners
from kubectl_refused.probes.proc_net_queues import listeners_of

WHAT = "listening sockets of the container"
TABLES = ("tcp", "tcp6", "unix", "netstat", "udp", "udp6")
LARGEST = 4_000_000  # bytes of one table
MOST_PROCESSES = 10_000
MOST_FILES = 4096


class ProcListeners:
    """Reads /proc/PID/net. `proc` is given by tests."""

    name = "proc-listeners"
    order = 10
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({CONTAINER_LISTENERS})
    rights: tuple[Right, ...] = ()

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each container's tables."""
        for need in needs:
            yield need, self._read(find(context.snapshot, need.subject), context.snapshot)

    def _read(self, container: EngineContainer | None, snapshot: Snapshot) -> Listeners | Gap:
        if container is None or not container.state.pid:
            return Gap(WHAT, "it does not run")
        if not snapshot.engine.local:
            return Gap(WHAT, "its processes are on another machine")
        process = self._proc / str(container.state.pid)
        try:
            if container.id not in (process / "cgroup").read_text(errors="replace"):
                return Gap(WHAT, "its processes are in another PID namespace")
            text = "\n".join(_text(process / "net" / table) for table in TABLES)
            owners = parse_owners("\n".join(self._processes(os.readlink(process / "ns" / "net"))))
        except OSError as error:
            return Gap(WHAT, f"/proc/{container.state.pid} cannot be read: {error.strerror}", "run it as root")
        if not was_read(text):
            return Gap(WHAT, f"/proc/{container.state.pid}/net has no tables")
        found = listeners_of(text, witness=f"/proc/{container.state.pid}/net")
        return replace(found, sockets=with_owners(found.sockets, owners), udp=with_owners(found.udp, owners))

    def _processes(self, namespace: str) -> Iterator[str]:
        """Each process of that network namespace and its files, as the script of container_exec.py lists them."""
        for place in sorted(self._proc.glob("[0-9]*"), key=lambda path: int(path.name))[:MOST_PROCESSES]:
            try:
                if os.readlink(place / "ns" / "net") != namespace:
                    continue
                inner = _inner_pid(place)
                yield f"{PROCESS_MARK}{inner} {(place / 'comm').read_text(errors='replace').strip()}"
                for file in list((place / "fd").iterdir())[:MOST_FILES]:
                    yield os.readlink(file)
            except OSError:  # it ended meanwhile, or is somebody else's
                continue


def is_its_process(container: EngineContainer, proc: Path = Path("/proc")) -> bool:
    """Whether the number that the engine gives for its process means that process here too."""
    try:
        return container.id in (proc / str(container.state.pid) / "cgroup").read_text(errors="replace")
    except OSError:
        return False


def find(snapshot: Snapshot, key: EngineKey) -> EngineContainer | None:
    """The container of that id."""
    return next((c for c in snapshot.containers() if c.id == key.container), None)


def _inner_pid(place: Path) -> str:
    """The process's number as the container sees it (NSpid, proc(5))."""
    lines = (place / "status").read_text(errors="replace").splitlines()
    numbers = next((line.split() for line in lines if line.startswith("NSpid:")), [place.name])
    return numbers[-1]


def _text(table: Path) -> str:
    """What the table holds, empty where the kernel has none (no IPv6)."""
    try:
        with table.open("rb") as file:
            return file.read(LARGEST).decode(errors="replace")
    except FileNotFoundError:
        return ""
