"""The other network namespaces of this machine, by one process in each: /proc/PID/ns/net and /proc/PID/net/tcp."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.host import Space
from kubectl_refused.model.observation import Socket
from kubectl_refused.probes.proc_net import ByteOrder, parse_listeners
from kubectl_refused.text import one_line

from .owners import container_of
from .sockets import control_groups, is_root

MOST_PROCESSES = 20_000
MOST_SPACES = 64
MOST_BYTES = 4 << 20
PROC = "/proc"
# A table, and the line of what counts its sockets (Documentation/filesystems/proc.rst).
_TABLES = (("tcp", "sockstat", "TCP:"), ("tcp6", "sockstat6", "TCP6:"))
_ORDER: ByteOrder = sys.byteorder


def read_spaces() -> tuple[Space, ...] | Gap:
    """Every other network namespace that has listening sockets."""
    if not is_root():
        return Gap("other network namespaces", "only root may look into them", "run it with sudo")
    return tuple(space for pid in _one_of_each() if (space := _space(pid)).sockets)


def _one_of_each() -> Iterator[int]:
    """The lowest process number in each namespace but our own."""
    seen = {_namespace("self")}
    pids = sorted(int(entry) for entry in os.listdir(PROC) if entry.isdigit())[:MOST_PROCESSES]
    for pid in pids:
        name = _namespace(str(pid))
        if name and name not in seen:
            seen.add(name)
            yield pid
            if len(seen) > MOST_SPACES:
                return


def _namespace(pid: str) -> str:
    """`net:[4026531840]`; empty for a process that has ended, or is a kernel's."""
    try:
        return os.readlink(f"{PROC}/{pid}/ns/net")
    except OSError:
        return ""


def _space(pid: int) -> Space:
    sockets: tuple[Socket, ...] = ()
    for table in (name for name, counts, word in _TABLES if _has_sockets(pid, counts, word)):
        sockets += parse_listeners(_text(f"{PROC}/{pid}/net/{table}"), _ORDER)
    name = one_line(_text(f"{PROC}/{pid}/comm"), 40)
    return Space(pid, name, sockets, container_of(control_groups(pid)))


def _has_sockets(pid: int, counts: str, word: str) -> bool:
    """Whether it has such a socket at all: for a table the kernel looks at the connections of all namespaces."""
    line = next((one for one in _text(f"{PROC}/{pid}/net/{counts}").splitlines() if one.startswith(word)), "")
    return line.split()[1:3] != ["inuse", "0"]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MOST_BYTES)
    except OSError:
        return ""
