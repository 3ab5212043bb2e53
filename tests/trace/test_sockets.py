"""Listening sockets against the address a packet is sent to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.observation import Socket
from kubectl_refused.trace.sockets import (
    Standing,
    is_loopback,
    likeliest_port,
    reachable_ports,
    shown,
    standing,
    takes,
)

POD4, POD6 = "10.0.0.1", "fd00::1"
addresses = st.one_of(
    st.ip_addresses().map(str), st.sampled_from(["0.0.0.0", "::", "127.0.0.1", "::1", POD4, POD6])
)
ports = st.integers(min_value=1, max_value=65535)
sockets = st.lists(st.builds(Socket, addresses, ports, v6only=st.sampled_from([None, True, False])), max_size=6)


@pytest.mark.parametrize(
    ("bound", "v6only", "dialled", "taken"),
    [
        ("0.0.0.0", None, POD4, True),
        ("0.0.0.0", None, POD6, False),
        ("::", None, POD4, True),
        ("::", False, POD4, True),
        ("::", True, POD4, False),
        ("::", True, POD6, True),
        (POD4, None, POD4, True),
        ("10.0.0.2", None, POD4, False),
        ("127.0.0.1", None, POD4, False),
    ],
)
def test_takes(bound: str, v6only: bool | None, dialled: str, taken: bool) -> None:
    assert takes(Socket(bound, 80, v6only=v6only), dialled) is taken


@pytest.mark.parametrize(
    ("bound", "dialled", "expected"),
    [
        ([], POD4, Standing.ABSENT),
        (["127.0.0.1"], POD4, Standing.LOOPBACK),
        (["::1", "127.0.0.1"], POD4, Standing.LOOPBACK),
        (["0.0.0.0"], POD4, Standing.OPEN),
        (["0.0.0.0"], POD6, Standing.OTHER_FAMILY),
        (["10.9.9.9"], POD4, Standing.OTHER_ADDRESS),
        (["10.9.9.9", POD4], POD4, Standing.OPEN),
    ],
)
def test_standing(bound: list[str], dialled: str, expected: Standing) -> None:
    assert standing([Socket(a, 80) for a in bound], dialled, 80) is expected


@given(sockets, st.sampled_from([POD4, POD6]), ports)
def test_a_port_is_open_exactly_where_it_is_reachable(have: list[Socket], address: str, port: int) -> None:
    assert (standing(have, address, port) is Standing.OPEN) == (port in reachable_ports(have, address))


@given(sockets)
def test_every_socket_is_shown_once(have: list[Socket]) -> None:
    told = shown(have).split(", ") if have else []
    assert len(told) == len(set(told))
    assert {f"{s.address}" for s in have} == {t.rsplit(":", 1)[0].strip("[]") for t in told}


@given(addresses)
def test_loopback_is_what_the_standard_says(address: str) -> None:
    assert is_loopback(address) == ip_address(address).is_loopback


def test_the_port_the_spec_mentions_first_is_likeliest() -> None:
    assert likeliest_port([8080, 9000, 9100], [9100, 9000]) == 9100
    assert likeliest_port([8080, 9000], [1]) == 8080
    assert likeliest_port([], [8080]) is None
