"""Addresses out of a client's variables: what is one, what is none, and nothing more of a value than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import Container, EnvironmentVariable, Metadata, Pod, PodSpec
from kubectl_refused.trace.client_settings import MOST_ADDRESSES, addresses


def named(**variables: str) -> list[str]:
    env = tuple(EnvironmentVariable(name=name, value=value) for name, value in variables.items())
    container = Container(name="cart", env=env)
    return [
        t.address for t in addresses(Pod(metadata=Metadata(name="cart"), spec=PodSpec(containers=(container,))))
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("http://web:8080/items", ["web:8080"]),
        ("http://web", ["web:80"]),
        ("https://web.shop.svc.cluster.local./x?a=b:1", ["web.shop.svc.cluster.local:443"]),
        ("postgres://me:s3cr3t@db.shop/items", ["db.shop:5432"]),
        ("jdbc:postgresql://db:5433/items?user=me", ["db:5433"]),
        ("postgresql+psycopg://me:pw@db:5432/x", ["db:5432"]),
        ("mongodb://a:1,b:2/x", ["a:1", "b:2"]),
        ("kafka-0.kafka:9092,kafka-1.kafka:9092", ["kafka-0.kafka:9092", "kafka-1.kafka:9092"]),
        ("redis:6379", ["redis:6379"]),
        ("[::1]:8080", ["[::1]:8080"]),
        ("http://[fd00::1]:80/", ["[fd00::1]:80"]),
        ("unknown://host/x", []),
        ("12:30:45", []),
        ("localhost/busybox:1@sha256:abc", []),
        ("web:0", []),
        ("web:99999", []),
        ("", []),
    ],
)
def test_what_is_an_address(value: str, found: list[str]) -> None:
    assert named(UPSTREAM=value) == found


def test_host_and_port_of_two_variables() -> None:
    assert named(DB_HOST="db", DB_PORT="5432") == ["db:5432"]
    assert named(HOST="db", PORT="5432") == ["db:5432"]
    assert named(DB_HOST="db", WEB_PORT="80") == []
    assert named(DB_HOST="db", DB_PORT="tcp://10.0.0.1:5432") == ["10.0.0.1:5432"]


def test_what_a_program_listens_on_is_none_that_it_dials() -> None:
    assert named(WEB_LISTEN="127.0.0.1:80", BIND_ADDRESS="127.0.0.1:80", NO_PROXY="web:80") == []


@given(st.dictionaries(st.text(min_size=1), st.text(alphabet="ab.:/@-_[]%0123456789 htp,\n\x1b"), max_size=5))
def test_hostile_values_yield_ports_that_exist(values: dict[str, str]) -> None:
    told = named(**values)
    assert len(told) <= MOST_ADDRESSES
    assert all(0 < int(address.rpartition(":")[2]) < 65536 for address in told)
