"""Queues, unread bytes, overflows and UNIX sockets out of the kernel's tables, read twice where one waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.probes.proc_net import parse_listeners
from kubectl_refused.probes.proc_net_queues import (
    MOST_UNIX,
    listeners_of,
    parse_datagrams,
    parse_overflows,
    parse_unix,
    parse_unread,
)

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
NETSTAT = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 12 13\nIpExt: InNoRoutes\nIpExt: 7\n"
UNIX = (
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 31337 /tmp/app.sock\n"
    "0000000000000000: 00000003 00000000 00000000 0001 03 31338 /tmp/app.sock\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 31339 @abstract\n"
    "0000000000000000: 00000002 00000000 00000000 0002 01 31340 /dev/log\n"
)


def listener(queue: int) -> str:
    row = f"   0: 00000000:1F90 00000000:0000 0A 00000000:{queue:08X} 00:00000000 00000000"
    return f"{row}     0        0 77 1 0\n"


def connection(unread: int, *, inode: int = 91, state: str = "01", peer: str = "D1B4") -> str:
    return (
        f"   1: 0101CA0A:1F90 0501CA0A:{peer} {state} 00000000:{unread:08X} 00:00000000 00000000"
        f"     0        0 {inode} 1 0\n"
    )


def twice(first: str, again: str) -> str:
    return f"{HEAD}{first}@again\n{HEAD}{again}@machine x86_64\n"


@pytest.mark.parametrize(
    ("text", "waiting"),
    [
        (HEAD + listener(0), 0),
        (HEAD + listener(3), None),  # a server that is just about to accept shows the same
        (twice(listener(3), listener(2)), 2),
        (twice(listener(3), listener(0)), 0),
        (twice(listener(3), ""), 0),
    ],
)
def test_connections_wait_when_both_looks_say_so(text: str, waiting: int | None) -> None:
    (only,) = parse_listeners(text)
    assert only.waiting == waiting


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        (twice(connection(64), connection(64)), (8080,)),
        (twice(connection(64, state="08"), connection(64, state="08")), (8080,)),
        (HEAD + connection(64), ()),  # one look: it may be read the next moment
        (twice(connection(64), connection(0)), ()),
        (twice(connection(64), connection(64, inode=92)), ()),
        (twice(connection(1, state="08"), connection(1, state="08")), ()),  # a FIN in an idle pool
        (twice(connection(64, inode=0), connection(64, inode=0)), ()),  # not accepted yet: the listener counts it
    ],
)
def test_bytes_are_unread_when_both_looks_say_so(text: str, ports: tuple[int, ...]) -> None:
    assert parse_unread(text) == ports


def test_overflows_are_found_by_name() -> None:
    assert parse_overflows(HEAD + NETSTAT) == 12
    assert parse_overflows(HEAD) is None
    assert parse_overflows("TcpExt: ListenOverflows\nTcpExt: many\n") is None


def test_only_unix_sockets_that_listen_count() -> None:
    assert parse_unix(UNIX) == ("/tmp/app.sock", "@abstract")
    assert parse_unix(UNIX * MOST_UNIX) == ("/tmp/app.sock", "@abstract")


def test_one_reading_tells_all() -> None:
    found = listeners_of(twice(listener(2), listener(2)) + UNIX + NETSTAT, "exec in web-1")
    assert [(s.port, s.waiting) for s in found.sockets] == [(8080, 2)]
    assert (found.unix[0], found.overflows, found.witness) == ("/tmp/app.sock", 12, "exec in web-1")


@given(st.text(alphabet="0123456789AF: \n@againTcpExt", max_size=400))
def test_hostile_text_never_raises(text: str) -> None:
    found = listeners_of(twice(listener(2), text) + text + NETSTAT, "exec")
    assert found.witness == "exec"
    assert all(0 <= socket.port <= 65535 and (socket.waiting or 0) >= 0 for socket in found.sockets)


def datagram(port: str, *, state: str = "07", peer: str = "00000000:0000") -> str:
    return (
        f"  812: 00000000:{port} {peer} {state} 00000000:00000000 00:00000000 00000000"
        "     0        0 4711 2 0000000000000000 0\n"
    )


def test_udp_sockets_that_take_datagrams_of_anybody() -> None:
    connected = datagram("D1B4", state="01", peer="0100007F:0035")
    text = HEAD + listener(0) + datagram("0035") + datagram("0035") + connected
    (found,) = parse_datagrams(text)
    assert (found.shown, found.inode) == ("0.0.0.0:53", 4711)
    told = listeners_of(text, "exec")
    assert [s.port for s in told.udp] == [53]
    assert [s.port for s in told.sockets] == [8080]
