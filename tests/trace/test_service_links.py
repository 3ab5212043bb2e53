"""Addresses that the kubelet puts into variables, in logs of servers that wanted a number and of clients."""

from __future__ import annotations

import pytest

from kubectl_refused.model.objects import Metadata, Service, ServicePort, ServiceSpec
from kubectl_refused.trace.service_links import Link, links, misread


def service(name: str, address: str | None, *ports: int) -> Service:
    spec = ServiceSpec(cluster_ip=address, ports=tuple(ServicePort(p) for p in ports))
    return Service(metadata=Metadata(name=name), spec=spec)


@pytest.mark.parametrize(
    "lines",
    [
        ("ValueError: invalid literal for int() with base 10: 'tcp://10.96.0.7:80'",),
        ('panic: strconv.Atoi: parsing "tcp://10.96.0.7:80": invalid syntax',),
        ('java.lang.NumberFormatException: For input string: "tcp://10.96.0.7:80"',),
        (
            "RangeError [ERR_SOCKET_BAD_PORT]: options.port should be >= 0. Received type string ('tcp://10.96.0.7:80')",
        ),
        ("WEB_PORT", "  value is not a valid integer", "  input_value='tcp://10.96.0.7:80'"),
        ("listen tcp: address tcp://10.96.0.7:80: too many colons in address",),
        (
            "thread 'main' panicked: WEB_PORT tcp://10.96.0.7:80: ParseIntError { kind: InvalidDigit }",
            "invalid digit",
        ),
        ("invalid port tcp://[fd00::7]:80",),
    ],
)
def test_a_server_that_wanted_a_number(lines: tuple[str, ...]) -> None:
    found = misread(("starting", *lines))
    assert found is not None
    assert "tcp://" in found


@pytest.mark.parametrize(
    "lines",
    [
        ("broker tcp://10.96.0.7:1883: connect: connection refused",),
        ("dial tcp://10.96.0.7:80 failed, invalid argument",),
        ("listening on tcp://10.96.0.7:80",),
        ("WEB_PORT=tcp://10.96.0.7:80",),
        ("ValueError: invalid literal for int() with base 10: 'eighty'",),
        ("ValueError: invalid literal for int()", "a", "b", "publishing to tcp://10.96.0.7:1883"),
        (),
    ],
)
def test_others_that_show_such_an_address(lines: tuple[str, ...]) -> None:
    assert misread(lines) is None


def test_what_a_service_makes() -> None:
    made = list(
        links([service("my-web", "10.96.0.7", 80, 443), service("db", "None", 5432), service("v6", "fd00::7", 80)])
    )
    assert made == [
        Link("my-web", "MY_WEB_PORT", "tcp://10.96.0.7:80"),
        Link("my-web", "MY_WEB_PORT_443_TCP", "tcp://10.96.0.7:443"),
        Link("v6", "V6_PORT", "tcp://[fd00::7]:80"),
    ]


def test_a_longer_port_is_another() -> None:
    link = Link("web", "WEB_PORT", "tcp://10.96.0.7:80")
    assert link.quoted_in("invalid port 'tcp://10.96.0.7:80'")
    assert not link.quoted_in("invalid port 'tcp://10.96.0.7:8080'")
