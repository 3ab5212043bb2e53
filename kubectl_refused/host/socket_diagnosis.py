"""What ss(8) asks the kernel and /proc does not show: IPV6_V6ONLY, and how long the queue of a listener may get.

Linux answers everybody about the network namespace they are in (sock_diag(7), include/uapi/linux/inet_diag.h).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

FAMILY = getattr(socket, "AF_NETLINK", 16)
SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
DONE, ERROR = 3, 2  # NLMSG_DONE, NLMSG_ERROR
V6ONLY = 11  # INET_DIAG_SKV6ONLY
LISTENING, UNCONNECTED = 1 << 10, 1 << 7  # TCP_LISTEN, and TCP_CLOSE as which UDP sockets count
HEAD, BODY, QUEUES = struct.Struct("=IHHII"), 72, 56  # nlmsghdr; inet_diag_msg: its size, where idiag_rqueue is
MOST_REPLIES = 1000
WITHIN = 1.0  # seconds; the kernel answers at once

Key = tuple[str, str, int]  # protocol, address, port


class Told(Struct, frozen=True):
    """What the kernel says of a socket, None where it does not: IPV6_V6ONLY, and a listener's queue."""

    v6only: bool | None = None
    waiting: int | None = None
    backlog: int | None = None


def ask_kernel() -> dict[Key, Told]:
    """Every listening socket; empty where the kernel cannot be asked."""
    found: dict[Key, Told] = {}
    with contextlib.suppress(OSError, struct.error, ValueError):
        for family in (socket.AF_INET, socket.AF_INET6):
            for protocol, number, states in (("tcp", socket.IPPROTO_TCP, LISTENING), ("udp", 17, UNCONNECTED)):
                for reply in _dump(family, number, states):
                    address, port, told = parse(reply)
                    key = (protocol, address, port)
                    found[key] = _together(
                        told if protocol == "tcp" else replace(told, waiting=None), found.get(key)
                    )
    return found


def _together(one: Told, other: Told | None) -> Told:
    """Of several sockets on one port (SO_REUSEPORT) one that takes IPv4, or that is not full, is enough."""
    if other is None:
        return one
    fuller = max(one, other, key=lambda told: (told.backlog or 0) - (told.waiting or 0))
    return replace(fuller, v6only=one.v6only and other.v6only)


def parse(reply: bytes) -> tuple[str, int, Told]:
    """Address, port and the rest of one inet_diag_msg; of a listener rqueue waits, wqueue is the backlog."""
    packed = reply[8:24] if reply[0] == socket.AF_INET6 else reply[8:12]
    address = ipaddress.ip_address(packed)
    (port,) = struct.unpack_from(">H", reply, 4)
    waiting, backlog = struct.unpack_from("=II", reply, QUEUES)
    at, only = BODY, None
    while at + 4 <= len(reply):
        length, kind = struct.unpack_from("=HH", reply, at)
        if kind == V6ONLY:
            only = reply[at + 4 : at + 5] == b"\1"
        at += max(4, (length + 3) & ~3)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), port, Told(only, waiting, backlog)


def _dump(family: int, protocol: int, states: int) -> Iterator[bytes]:
    """The kernel's replies about sockets of a family and protocol in those states."""
    ask = struct.pack("=BBBBI", family, protocol, 0xFF, 0, states) + bytes(48)
    with socket.socket(FAMILY, socket.SOCK_RAW, SOCK_DIAG) as kernel:
        kernel.settimeout(WITHIN)
        kernel.send(HEAD.pack(HEAD.size + len(ask), BY_FAMILY, DUMP, 1, 0) + ask)
        for _ in range(MOST_REPLIES):
            data, at = kernel.recv(1 << 17), 0
            while at < len(data):
                length, kind, *_ = HEAD.unpack_from(data, at)
                if kind in (DONE, ERROR):
                    return
                yield data[at + HEAD.size : at + length]
                at += max(HEAD.size, (length + 3) & ~3)
