"""What a network namespace's tables tell besides its listeners: unread bytes, full queues, UDP, UNIX sockets.

Pure; hostile text yields nothing, it never raises. rx_queue of a connection counts the bytes that were received
and not read (net/ipv4/tcp_ipv4.c, get_tcp4_sock); /proc/net/netstat has a line of names and one of numbers for
each prefix (net/ipv4/proc.c); a listening UNIX socket has the flag __SO_ACCEPTCON (net/unix/af_unix.c). A UDP
socket that is bound and not connected is in state 07, TCP_CLOSE (net/ipv4/udp.c), in which the tables of TCP have
none, so that its lines need no mark.
"""

from __future__ import annotations

import re

from kubectl_refused.model.observation import Listeners, Socket
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.proc_net import AGAIN_MARK, MOST_LINES, address_of, byte_order_of, parse_listeners
from kubectl_refused.text import one_line

MOST_UNIX = 64
MOST_UNREAD = 1024
MOST_DATAGRAM = 256
# A FIN counts as one byte, and idle pools leave those unread; the shortest question is the probe agent's own.
FEWEST_BYTES = 13

# An established connection, or one that its client has given up (CLOSE_WAIT); an inode of 0 is not accepted yet.
_UNREAD = lazily(
    r"\s*\d{1,9}: [0-9A-Fa-f]{8,32}:([0-9A-Fa-f]{4}) [0-9A-Fa-f]{8,32}:([0-9A-Fa-f]{4}) 0[18] "
    r"[0-9A-Fa-f]{1,8}:([0-9A-Fa-f]{1,8}) \S+ \S+\s+\d{1,10}\s+\d+ (\d{1,20})(?:\s|$)",
    re.ASCII,
)
_DATAGRAM = lazily(
    r"\s*\d{1,9}: ([0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24})?):([0-9A-Fa-f]{4}) 0{8}(?:0{24})?:0000 07 "
    r"[0-9A-Fa-f]{1,8}:[0-9A-Fa-f]{1,8} \S+ \S+\s+(\d{1,10})\s+\d+ (\d{1,20})(?:\s|$)",
    re.ASCII,
)
_UNIX = lazily(r"[0-9a-fA-F]{8,16}: [0-9a-fA-F]{8} [0-9a-fA-F]{8} 00010000 0001 01\s+\d+ (\S.{0,200})")


def listeners_of(text: str, witness: str) -> Listeners:
    """All that the script of container_exec.py, or the tables alone, tell; processes are added by their owner."""
    return Listeners(
        parse_listeners(text),
        witness,
        parse_unix(text),
        parse_unread(text),
        parse_overflows(text),
        parse_datagrams(text),
    )


def parse_datagrams(text: str) -> tuple[Socket, ...]:
    """UDP sockets that take datagrams of anybody, each address and port once."""
    order = byte_order_of(text)
    found: dict[tuple[str, int], Socket] = {}
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        row = _DATAGRAM.match(line)
        if row and len(found) < MOST_DATAGRAM:
            address, port = address_of(row[1], order), int(row[2], 16)
            found.setdefault((address, port), Socket(address, port, inode=int(row[4]), uid=int(row[3])))
    return tuple(found.values())


def parse_unread(text: str) -> tuple[int, ...]:
    """Local ports of accepted connections with bytes that nobody read from one look to the next."""
    first, mark, again = text.partition(f"\n{AGAIN_MARK}\n")
    if not mark:
        return ()
    later = _unread(again)
    return tuple(port for key, port in _unread(first).items() if key in later)[:MOST_UNREAD]


def _unread(text: str) -> dict[tuple[str, str], int]:
    """Local port by (inode, remote port)."""
    rows = (_UNREAD.match(line) for line in text.split("\n", MOST_LINES)[:MOST_LINES])
    read = (row for row in rows if row and int(row[3], 16) >= FEWEST_BYTES and row[4] != "0")
    return {(row[4], row[2]): int(row[1], 16) for row in read}


def parse_overflows(text: str) -> int | None:
    """TcpExt ListenOverflows; None where the counters are not there."""
    lines = [line.split() for line in text.split("\n", MOST_LINES)[:MOST_LINES] if line.startswith("TcpExt:")]
    if len(lines) < 2:
        return None
    counters = dict(zip(lines[0], lines[1], strict=False))
    value = counters.get("ListenOverflows", "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 20 else None


def parse_unix(text: str) -> tuple[str, ...]:
    """Addresses of listening UNIX stream sockets, an abstract one with @ in front, each once."""
    rows = (_UNIX.match(line) for line in text.split("\n", MOST_LINES)[:MOST_LINES])
    return tuple(dict.fromkeys(one_line(row[1], 120) for row in rows if row))[:MOST_UNIX]
