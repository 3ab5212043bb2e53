"""Listening sockets out of /proc/net/tcp and tcp6. Pure; hostile text yields nothing, it never raises.

Format: the kernel's Documentation/networking/proc_net_tcp.rst. An address is printed as 32-bit words with
%08X (net/ipv4/tcp_ipv4.c get_tcp4_sock, net/ipv6/tcp_ipv6.c get_tcp6_sock), so each word is in the
*machine's* byte order: 127.0.0.1 reads 0100007F on amd64 and arm64 and 7F000001 on s390x. The kernel prints
listening sockets before connected ones (tcp_get_idx), so output that was cut short still holds them.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import Literal

from msgspec.structs import replace

from kubectl_refused.model.observation import Socket
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line

ByteOrder = Literal["little", "big"]

MOST_SOCKETS = 4096
MOST_LINES = 200_000
LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h

# Marks in the output of the script in container_exec.py.
MACHINE_MARK = "@machine "
PROCESS_MARK = "@process "
AGAIN_MARK = "@again"  # the tables once more, a second later

_BIG_ENDIAN = frozenset({"s390x", "s390", "ppc64", "mips", "mips64"})
_ROW = lazily(
    r"\s*\d{1,9}: ([0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24})?):([0-9A-Fa-f]{4}) [0-9A-Fa-f]{8,32}:[0-9A-Fa-f]{4} "
    rf"{LISTEN} [0-9A-Fa-f]+:([0-9A-Fa-f]{{1,8}}) \S+ \S+\s+(\d{{1,10}})\s+\d+ (\d{{1,20}})(?:\s|$)",
    re.ASCII,
)
_DESCRIPTOR = lazily(r"socket:\[(\d{1,20})\]", re.ASCII)
_PROCESS = lazily(rf"{PROCESS_MARK}(\d{{1,10}}) ?(.*)", re.ASCII)


def was_read(text: str) -> bool:
    """Whether the text holds the table at all: its head line is there even when nothing listens."""
    return "local_address" in text


def parse_listeners(text: str, byte_order: ByteOrder | None = None) -> tuple[Socket, ...]:
    """Return the listening sockets, each once, in the order printed; lines of another form are passed over.

    Without `byte_order` it is taken from the script's @machine line, little where there is none.
    """
    order = byte_order or byte_order_of(text)
    first, mark, again = text.partition(f"\n{AGAIN_MARK}\n")
    looks = [_listening(first, order), *([_listening(again, order)] if mark else [])]
    # rx_queue of a listener counts the connections that it has not accepted yet (get_tcp4_sock).
    queues = [dict(look) for look in looks]
    return tuple(
        replace(socket, waiting=min(queue.get(socket, 0) for queue in queues) if mark or not waiting else None)
        for socket, waiting in looks[0]
    )


def _listening(text: str, order: ByteOrder) -> list[tuple[Socket, int]]:
    """Each listener of one look, and how many connections wait to be accepted."""
    found: dict[tuple[str, int, int], tuple[Socket, int]] = {}
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        row = _ROW.match(line)
        if row and len(found) < MOST_SOCKETS:
            address, port, inode = address_of(row[1], order), int(row[2], 16), int(row[5])
            socket = Socket(address=address, port=port, inode=inode, uid=int(row[4]))
            found.setdefault((address, port, inode), (socket, int(row[3], 16)))
    return list(found.values())


def address_of(words: str, byte_order: ByteOrder = "little") -> str:
    """Return the address that 8 or 32 hex digits stand for.

    A v4-mapped address is shown as IPv4: a socket bound to ::ffff:127.0.0.1 takes IPv4 only (ipv6(7)).
    """
    count = len(words) // 8
    numbers = [int(words[at : at + 8], 16) for at in range(0, len(words), 8)]
    packed = struct.pack(f"{'<' if byte_order == 'little' else '>'}{count}I", *numbers)
    if count == 1:
        return str(ipaddress.IPv4Address(packed))
    address = ipaddress.IPv6Address(packed)
    return str(address.ipv4_mapped or address)


def byte_order_of(text: str) -> ByteOrder:
    """Return the byte order of the machine the script named; only s390x is big in Kubernetes today."""
    at = text.find(MACHINE_MARK)
    if at < 0:
        return "little"
    words = text[at + len(MACHINE_MARK) : at + len(MACHINE_MARK) + 40].split()
    return "big" if words and words[0] in _BIG_ENDIAN else "little"


def parse_owners(text: str) -> dict[int, tuple[int, str]]:
    """Return {socket inode: (pid, process name)} from @process lines and the descriptors listed below each."""
    owners: dict[int, tuple[int, str]] = {}
    process: tuple[int, str] | None = None
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        head = _PROCESS.match(line)
        if head:
            process = (int(head[1]), one_line(head[2], 40))
        elif process:
            for inode in _DESCRIPTOR.findall(line):
                # A listening socket is often inherited; the process with the lowest pid opened it.
                owners.setdefault(int(inode), process)
    return owners


def with_owners(sockets: tuple[Socket, ...], owners: dict[int, tuple[int, str]]) -> tuple[Socket, ...]:
    """Return the sockets with pid and process name where they are known; names already there stay."""
    return tuple(
        replace(socket, pid=owners[socket.inode][0], process=owners[socket.inode][1])
        if not socket.process and socket.inode in owners
        else socket
        for socket in sockets
    )
