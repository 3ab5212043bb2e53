"""What a recording does not give away, and what it must keep for the verdict to stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.recordings.masking import masked, variable, words


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "8080", "8080"),
        ("LISTEN_ADDR", "127.0.0.1:8080", "127.0.0.1:8080"),
        ("BIND", "[::1]:80", "[::1]:80"),
        ("DB_HOST", "db", "db"),
        ("API_URL", "http://api:80", "http://api:80"),
        ("API", "http://api:80/v1?k=v", "http://api:80 ***"),
        ("BROKERS", "a:9092,b:9092", "a:9092 b:9092 ***"),
        ("DSN", "postgres://app:hunter2@db:5432/shop", "postgres://db:5432 ***"),
        ("DB_PASSWORD_URL", "postgres://app:p@ss@db/shop", "postgres://db ***"),
        ("DSN", "postgres://app:pa/ss@db:5432/shop", "***"),
        ("DB_PASSWORD", "12345", "***"),
        ("SIGNING_KEY", "db", "***"),
        ("COLOUR", "blue", "***"),
        ("COLOUR", "12345", "***"),
        ("EMAIL", "app:1234@shop", "***"),
    ],
)
def test_of_a_variable_only_ports_and_addresses_are_told(name: str, value: str, told: str) -> None:
    assert variable(name, value) == told


def test_command_lines() -> None:
    command = ["app", "--token", "abc", "--db-password=hunter2", "-p", "8080", "--tls", "--api-key", "-x"]
    told = ["app", "--token", "***", "--db-password=***", "-p", "8080", "--tls", "--api-key", "-x"]
    assert words(command) == told


def test_annotations_messages_and_names() -> None:
    long = '{"spec": "' + "x" * 300 + '"}'
    pod = {
        "metadata": {
            "name": "sk-frontend-of-the-shop-7d8f9",
            "labels": {"token": "a"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": long, "note": "password=hunter2",
                            "prometheus.io/port": "9090"},
        },
        "spec": {"selector": {"token": "b"}, "containers": [
            {"name": "web", "image": "r/token:1.2", "env": [{"name": "A", "value": "b"}, {"name": "FROM"}]}]},
        "status": {"message": "failed with token=abcdef"},
    }  # fmt: skip
    told = masked(pod)
    assert told["metadata"]["name"] == "sk-frontend-of-the-shop-7d8f9"
    assert told["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/last-applied-configuration": "***",
        "note": "password=***",
        "prometheus.io/port": "9090",
    }
    assert (told["metadata"]["labels"], told["spec"]["selector"]) == ({"token": "a"}, {"token": "b"})
    (container,) = told["spec"]["containers"]
    assert (container["image"], container["env"]) == (
        "r/token:1.2",
        [{"name": "A", "value": "***"}, {"name": "FROM"}],
    )
    assert told["status"]["message"] == "failed with token=***"


def test_a_config_map_is_variables() -> None:
    data = {"PORT": 8080, "DB_URL": "postgres://a:b@db:5432/x", "app.conf": "password hunter2\nlisten db:80"}
    told = {"PORT": "8080", "DB_URL": "postgres://db:5432 ***", "app.conf": "db:80 ***"}
    assert masked({"metadata": {"name": "c"}, "data": data})["data"] == told


SECRET = "s3cr3tw0rd"


SHAPES = ["http://u:{}@h", "u:{}@h:80", "amqp://{}:p@h:1/v", "-p {}", "password={}"]
ODD = st.text("ab/:@.? ,;-=", max_size=6)


@given(st.sampled_from(["X", "DSN", "API_URL", "AUTH", "MY_HOST"]), ODD, ODD, st.sampled_from(SHAPES))
def test_no_password_of_a_url_gets_through(name: str, before: str, after: str, shape: str) -> None:
    value = before + shape.format(SECRET) + after
    assert SECRET not in variable(name, value)
