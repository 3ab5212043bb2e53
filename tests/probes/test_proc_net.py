"""The kernel's tables, from real machines and from hostile ones."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.probes.proc_net import (
    MOST_SOCKETS,
    address_of,
    byte_order_of,
    parse_listeners,
    parse_owners,
    was_read,
    with_owners,
)

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
IDLE = "00000000:00000000 00:00000000 00000000"
NOBODY = "0" * 32 + ":0000"
TCP = HEAD + (
    f"   0: 0100007F:1F90 00000000:0000 0A {IDLE}  1000        0 34611 1 0000000000000000 100 0 0 10 0\n"
    f"   1: 0101CA0A:D1B4 0501CA0A:1F90 01 {IDLE}     0        0 34700 1 0000000000000000 20 4 30 10 -1\n"
)
TCP6 = HEAD + (
    f"   0: 00000000000000000000000000000000:0050 {NOBODY} 0A {IDLE}     0        0 555 1 0000000000000000\n"
    f"   1: 00000000000000000000000001000000:0051 {NOBODY} 0A {IDLE}     0        0 556 1 0000000000000000\n"
    f"   2: 0000000000000000FFFF00000100007F:0052 {NOBODY} 0A {IDLE}     0        0 557 1 0000000000000000\n"
)


def test_only_listening_sockets_count() -> None:
    (only,) = parse_listeners(TCP)
    assert (only.shown, only.inode, only.uid) == ("127.0.0.1:8080", 34611, 1000)


def test_both_families_and_mapped_addresses() -> None:
    assert [s.shown for s in parse_listeners(TCP + TCP6)] == [
        "127.0.0.1:8080", "[::]:80", "[::1]:81", "127.0.0.1:82",
    ]  # fmt: skip


def test_a_big_endian_machine_says_so() -> None:
    text = TCP.replace("0100007F", "7F000001") + "@machine s390x\n"
    assert byte_order_of(text) == "big"
    assert [s.address for s in parse_listeners(text)] == ["127.0.0.1"]


def test_a_table_without_listeners_was_still_read() -> None:
    assert was_read(HEAD)
    assert parse_listeners(HEAD) == ()
    assert not was_read("cat: can't open '/proc/net/tcp': Permission denied")


@given(st.ip_addresses(v=4), st.sampled_from(["little", "big"]))
def test_any_ipv4_address_survives(address: ipaddress.IPv4Address, order: str) -> None:
    mark = "<" if order == "little" else ">"
    (word,) = struct.unpack(f"{mark}I", address.packed)
    assert address_of(f"{word:08X}", "little" if order == "little" else "big") == str(address)


@given(st.ip_addresses(v=6))
def test_any_ipv6_address_survives(address: ipaddress.IPv6Address) -> None:
    words = "".join(f"{word:08X}" for word in struct.unpack("<4I", address.packed))
    assert address_of(words) == str(address.ipv4_mapped or address)


@given(st.text(max_size=400))
def test_hostile_text_never_raises(text: str) -> None:
    assert all(0 <= s.port <= 65535 for s in parse_listeners(text))
    assert parse_owners(text) is not None
    assert byte_order_of(text) in ("little", "big")


@given(st.text(alphabet="0123456789AF: \n@processmachine[]٣", max_size=400))
def test_text_that_looks_alike_never_raises(text: str) -> None:
    assert all(0 <= s.port <= 65535 for s in parse_listeners(TCP + text))
    parse_owners("@process 1 x\n" + text)


def test_a_flood_of_rows_is_cut() -> None:
    rows = "".join(
        f" {i}: 0100007F:{i % 65536:04X} 00000000:0000 0A 0:0 00:0 0  0 0 {i} 1\n"
        for i in range(MOST_SOCKETS + 50)
    )
    assert len(parse_listeners(rows)) == MOST_SOCKETS


LISTING = """@process 1 httpd
lrwx------    1 root     root            64 Jan  1 00:00 0 -> /dev/null
lrwx------    1 root     root            64 Jan  1 00:00 3 -> socket:[34611]
@process 12 nc
lrwx------    1 root     root            64 Jan  1 00:00 3 -> socket:[555]
lrwx------    1 root     root            64 Jan  1 00:00 4 -> socket:[34611]
"""


def test_owners_are_matched_by_inode_lowest_process_first() -> None:
    owners = parse_owners(LISTING)
    assert owners == {34611: (1, "httpd"), 555: (12, "nc")}
    (only,) = with_owners(parse_listeners(TCP), owners)
    assert only.owner == "httpd (pid 1)"


def test_a_name_that_is_known_stays() -> None:
    named = with_owners(parse_listeners(TCP), {34611: (1, "httpd")})
    assert with_owners(named, {34611: (7, "other")}) == named


@pytest.mark.parametrize("name", ["\x1b[31mevil", "a\u202eb"])
def test_process_names_are_cleaned(name: str) -> None:
    ((_, cleaned),) = parse_owners(f"@process 5 {name}\n -> socket:[1]").values()
    assert cleaned in {"evil", "ab"}
