"""The listening sockets of this machine, as `ss -tuln` shows them, and whose they are: through psutil."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.host import HostSocket, HostSockets
from kubectl_refused.text import one_line

from .owners import container_of, forwards, unit_of
from .socket_diagnosis import Key, Told, ask_kernel

MOST_SOCKETS = 4096
MOST_BYTES = 1 << 16
_NO_OWNERS = "the system shows whose sockets they are to their own user and to root only"
_NOBODY = "no process that can be seen here has it open: the kernel itself, or one in another PID namespace"


def read_sockets() -> HostSockets:
    """Every socket that listens, by port, protocol and address; a Gap for what this user may not see."""
    import psutil

    try:
        seen = psutil.net_connections(kind="inet")
    except psutil.AccessDenied:  # macOS, where only root may ask about all processes
        return HostSockets((), gaps=(Gap("listening sockets", "this system shows them to root only", "sudo"),))
    except (OSError, RuntimeError) as problem:
        return HostSockets((), gaps=(Gap("listening sockets", f"they cannot be read: {one_line(str(problem))}"),))
    listening = dict.fromkeys(bare for one in seen if (bare := _listening(one)))
    kernel = ask_kernel() if sys.platform.startswith("linux") else {}
    known: dict[int, HostSocket] = {}
    found = [_told(one, kernel, known) for one in list(listening)[:MOST_SOCKETS]]
    return HostSockets(tuple(sorted(found, key=_order)), gaps=gaps_of(found, len(listening)))


def _listening(one: Any) -> HostSocket | None:
    """The socket as it is bound, None for a connection."""
    if not one.laddr:
        return None
    if one.type == socket.SOCK_STREAM:
        return _bare("tcp", one) if one.status == "LISTEN" else None
    return _bare("udp", one) if one.type == socket.SOCK_DGRAM and not one.raddr else None


def _bare(protocol: str, one: Any) -> HostSocket:
    host = ipaddress.ip_address(one.laddr.ip.partition("%")[0])
    address = str(getattr(host, "ipv4_mapped", None) or host)
    return HostSocket(address=address, port=one.laddr.port, protocol=protocol, pid=one.pid)


def _told(one: HostSocket, kernel: dict[Key, Told], known: dict[int, HostSocket]) -> HostSocket:
    """With what the kernel tells, and its owner, who is looked up once."""
    if told := kernel.get((one.protocol, one.address, one.port)):
        only = told.v6only if ":" in one.address else None
        one = replace(one, v6only=only, waiting=told.waiting, backlog=told.backlog)
    if one.pid is None:
        return one
    if one.pid not in known:
        known[one.pid] = _owner(one.pid)
    owner = known[one.pid]
    return replace(
        one,
        process=owner.process,
        user=owner.user,
        command=owner.command,
        unit=owner.unit,
        container=owner.container,
        forwards=owner.forwards,
    )


def _owner(pid: int) -> HostSocket:
    """What can be known of a process; a process that has ended in the meantime has only its number."""
    import psutil

    told = HostSocket("", 0, pid=pid)
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        told = replace(told, process=one_line(process.name(), 40))
        words = process.cmdline()
        told = replace(told, command=one_line(" ".join(words), 200), forwards=forwards(words))
        told = replace(told, user=one_line(process.username(), 32))
    groups = control_groups(pid)
    return replace(told, container=container_of(groups), unit=unit_of(groups))


def control_groups(pid: int) -> str:
    """The text of /proc/PID/cgroup; empty where there is none or it may not be read."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
            return file.read(MOST_BYTES)
    except OSError:
        return ""


def gaps_of(found: Sequence[HostSocket], listening: int = 0) -> tuple[Gap, ...]:
    """What stays unknown of these sockets, of so many in all."""
    gaps = []
    hidden = sum(1 for one in found if one.pid is None)
    if hidden:
        them = "1 socket" if hidden == 1 else f"{hidden} sockets"
        root = is_root()
        gaps.append(
            Gap(f"the owner of {them}", _NOBODY if root else _NO_OWNERS, "" if root else "run it with sudo")
        )
    if listening > MOST_SOCKETS:
        gaps.append(Gap(f"{listening - MOST_SOCKETS} more sockets", f"only {MOST_SOCKETS} are told"))
    return tuple(gaps)


def is_root() -> bool:
    """Whether this user may see what is everybody's."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _order(one: HostSocket) -> tuple[int, str, int, str]:
    return one.port, one.protocol, 1 if ":" in one.address else 0, one.address
