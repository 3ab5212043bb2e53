"""Addresses out of a client's variables: what is one, what is none, and nothing more of a value than that."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import ConfigMap, Container, EnvironmentVariable, Metadata, Pod, PodSpec
from kubectl_refused.trace.client_settings import (
    MOST_ADDRESSES,
    Kept,
    Variable,
    addresses,
    config_maps,
    kept_in_secrets,
)


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


def container(**fields: object) -> Pod:
    made = msgspec.convert({"name": "cart", **fields}, Container)
    return Pod(metadata=Metadata(name="cart"), spec=PodSpec(containers=(made,)))


def config_map(**data: object) -> ConfigMap:
    return msgspec.convert({"metadata": {"name": "app"}, "data": data}, ConfigMap)


WEB = {"name": "WEB", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "url", "optional": True}}}


def test_a_value_of_a_config_map_is_an_address_with_its_source() -> None:
    pod = container(env=[WEB])
    (told,) = addresses(pod, {"app": config_map(url="http://web:8080")})
    assert (told.address, told.name, told.variable) == (
        "web:8080",
        "WEB",
        Variable("http://web:8080", "app", "url"),
    )
    assert config_maps(pod) == ("app",)
    assert list(addresses(pod)) == []
    assert list(addresses(pod, {"app": config_map(other="web:80")})) == []
    assert list(addresses(pod, {"app": config_map(url=8080)})) == []


def test_every_key_of_a_config_map_is_a_variable_with_its_prefix() -> None:
    pod = container(envFrom=[{"prefix": "A_", "configMapRef": {"name": "app"}}])
    told = addresses(pod, {"app": config_map(DB_HOST="db", DB_PORT="5432")})
    assert [(t.name, t.address) for t in told] == [("A_DB_HOST", "db:5432")]


def test_the_last_setting_of_a_name_counts() -> None:
    both = [{"configMapRef": {"name": "app"}}, {"configMapRef": {"name": "later"}}]
    maps = {"app": config_map(WEB="web:1", DB="db:1"), "later": config_map(WEB="web:2", UP="up:2")}
    told = addresses(container(envFrom=both, env=[{"name": "UP", "value": "up:3"}]), maps)
    assert sorted(t.address for t in told) == ["db:1", "up:3", "web:2"]


def test_what_a_secret_may_set_anew_is_hidden() -> None:
    pod = container(envFrom=[{"configMapRef": {"name": "app"}}, {"secretRef": {"name": "s"}}])
    (told,) = addresses(pod, {"app": config_map(WEB="web:1")})
    assert told.variable.hidden
    assert list(kept_in_secrets(pod)) == [Kept("cart", "", "s")]


def test_a_value_in_a_secret_is_named_and_is_no_address() -> None:
    pod = container(env=[{"name": "WEB_URL", "valueFrom": {"secretKeyRef": {"name": "s", "key": "url"}}}])
    assert list(kept_in_secrets(pod)) == [Kept("cart", "WEB_URL", "s")]
    assert list(addresses(pod)) == []
    assert config_maps(pod) == ()


@given(st.dictionaries(st.text(min_size=1), st.text(alphabet="ab.:/@-_[]%0123456789 htp,\n\x1b"), max_size=5))
def test_hostile_values_yield_ports_that_exist(values: dict[str, str]) -> None:
    told = named(**values)
    assert len(told) <= MOST_ADDRESSES
    assert all(0 < int(address.rpartition(":")[2]) < 65536 for address in told)
