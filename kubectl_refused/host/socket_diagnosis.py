"""What ss(8) asks the kernel and /proc does not show: IPV6_V6ONLY, and the interface a socket is bound to.

Linux answers everybody about the network namespace they are in (sock_diag(7), include/uapi/linux/inet_diag.h).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator

FAMILY = getattr(socket, "AF_NETLINK", 16)
SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
DONE, ERROR = 3, 2  # NLMSG_DONE, NLMSG_ERROR
V6ONLY = 11  # INET_DIAG_SKV6ONLY
LISTENING, UNCONNECTED = 1 << 10, 1 << 7  # TCP_LISTEN, and TCP_CLOSE as which UDP sockets count
HEAD, BODY = struct.Struct("=IHHII"), 72  # nlmsghdr; sizeof(struct inet_diag_msg)
MOST_REPLIES = 1000
WITHIN = 1.0  # seconds; the kernel answers at once

Key = tuple[str, str, int]  # protocol, address, port


def only_v6() -> dict[Key, bool]:
    """Whether each IPv6 socket refuses IPv4; empty where the kernel cannot be asked."""
    found: dict[Key, bool] = {}
    with contextlib.suppress(OSError, struct.error, ValueError):
        for protocol, number, states in (("tcp", socket.IPPROTO_TCP, LISTENING), ("udp", 17, UNCONNECTED)):
            for reply in _dump(number, states):
                address, port, only = parse(reply)
                if only is not None:
                    # Of several sockets on one port (SO_REUSEPORT) one that takes IPv4 is enough.
                    key = (protocol, address, port)
                    found[key] = only and found.get(key, True)
    return found


def parse(reply: bytes) -> tuple[str, int, bool | None]:
    """Address, port and IPV6_V6ONLY (None where it is not told) of one inet_diag_msg."""
    address = ipaddress.IPv6Address(reply[8:24])
    (port,) = struct.unpack_from(">H", reply, 4)
    at, only = BODY, None
    while at + 4 <= len(reply):
        length, kind = struct.unpack_from("=HH", reply, at)
        if kind == V6ONLY:
            only = reply[at + 4 : at + 5] == b"\1"
        at += max(4, (length + 3) & ~3)
    return str(address), port, only


def _dump(protocol: int, states: int) -> Iterator[bytes]:
    """The kernel's replies about IPv6 sockets of a protocol in those states."""
    ask = struct.pack("=BBBBI", socket.AF_INET6, protocol, 0xFF, 0, states) + bytes(48)
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
