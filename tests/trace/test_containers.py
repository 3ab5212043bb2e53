"""What a pod's spec says of its ports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import Container, ServicePort
from kubectl_refused.trace.containers import (
    containers,
    resolve_target_port,
    said_listeners,
    said_ports,
)
from tests.scenery import pod

HTTP = {"name": "http", "containerPort": 8080}


def service_port(target: int | str | None, protocol: str = "TCP") -> ServicePort:
    return ServicePort(port=80, target_port=target, protocol=protocol)


@pytest.mark.parametrize(
    ("target", "number"), [(None, 80), ("", 80), (9999, 9999), ("9999", 9999), ("http", 8080), ("web", None)]
)
def test_target_port_as_kubernetes_resolves_it(target: int | str | None, number: int | None) -> None:
    assert resolve_target_port(pod(container={"ports": [HTTP]}), service_port(target)) == number


def test_a_name_is_looked_up_with_its_protocol() -> None:
    ports = [{**HTTP, "protocol": "UDP"}]
    assert resolve_target_port(pod(container={"ports": ports}), service_port("http")) is None
    assert resolve_target_port(pod(container={"ports": ports}), service_port("http", "UDP")) == 8080


def test_sidecars_own_ports_and_plain_init_containers_do_not() -> None:
    sidecar = {"name": "proxy", "restartPolicy": "Always", "ports": [HTTP]}
    setup = {"name": "setup", "ports": [{"name": "setup", "containerPort": 1}]}
    made = pod(spec={"initContainers": [sidecar, setup]})
    assert [c.name for c in containers(made)] == ["web", "proxy"]
    assert resolve_target_port(made, service_port("http")) == 8080
    assert resolve_target_port(made, service_port("setup")) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("httpd", "-f", "-p", "8080"), [("", 8080)]),
        (("httpd", "-p", "127.0.0.1:8080"), [("127.0.0.1", 8080)]),
        (("app", "--listen=:9000"), [("", 9000)]),
        (("app", "--bind", "[::1]:9000"), [("::1", 9000)]),
        (("app", "--http-port=8000", "--addr", "0.0.0.0:81"), [("", 8000), ("0.0.0.0", 81)]),
        (("app", "-p", "70000"), []),
        (("mkdir", "-p", "/tmp/8080"), []),
        (("app", "--report=8080"), []),
    ],
)
def test_flags_that_name_a_listener(words: tuple[str, ...], told: list[tuple[str, int]]) -> None:
    assert list(said_listeners(Container(command=words[:1], args=words[1:]))) == told


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_command_line_gives_ports_or_nothing(words: list[str]) -> None:
    assert all(0 < port < 65536 for _, port in said_listeners(Container(command=tuple(words))))


def test_said_ports_are_told_once_and_flags_first() -> None:
    container = {
        "command": ["app", "--port=9000"],
        "env": [{"name": "PORT", "value": "9001"}, {"name": "NAME", "value": "9009"}],
        "ports": [HTTP, {"containerPort": 53, "protocol": "UDP"}],
        "livenessProbe": {"tcpSocket": {"port": 9000}},
        "readinessProbe": {"httpGet": {"port": 9002}},
    }
    assert said_ports(pod(container=container)) == (9000, 9001, 8080, 9002)
