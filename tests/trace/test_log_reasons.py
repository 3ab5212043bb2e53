"""Which line of a log tells why."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.text import one_line
from kubectl_refused.trace.log_reasons import (
    MOST_CHARACTERS,
    address_in_use,
    bind_denied,
    named_ports,
    telling_line,
)

TRACEBACK = """\
starting
Traceback (most recent call last):
  File "/usr/lib/python3.11/socketserver.py", line 472, in server_bind
    self.socket.bind(self.server_address)
PermissionError: [Errno 13] Permission denied"""


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (TRACEBACK, "PermissionError: [Errno 13] Permission denied"),
        ("fatal: SMTP_HOST is not set", "fatal: SMTP_HOST is not set"),
        ("panic: nil map\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5 +0x1d", "panic: nil map"),
        ('Exception in thread "main" a.B\n\tat a.b\nCaused by: a.D: no\n\t... 3 more', "Caused by: a.D: no"),
        ("connecting\nerror: no route\nbye", "error: no route"),
        ("nginx: [emerg] host not found in upstream\nexiting", "nginx: [emerg] host not found in upstream"),
        ("hello\ngood night\n\n", "good night"),
        ("\n  \n", None),
        ("", None),
    ],
)
def test_telling_line(log: str, told: str | None) -> None:
    assert telling_line(log.split("\n")) == told


@pytest.mark.parametrize(
    ("line", "ports"),
    [
        ("listen tcp :8080: bind: address already in use", (8080,)),
        ("2026-01-01 18:36:53,12 /app/main.go:57 listen tcp 0.0.0.0:8080: bind: address already in use", (8080,)),
        ("Error: listen EADDRINUSE: address already in use :::3000", (3000,)),
        ("nginx: [emerg] bind() to [::]:80 failed (98: Address already in use)", (80,)),
        ("Web server failed to start. Port 8080 was already in use.", (8080,)),
        ("java.net.BindException: Address already in use", ()),
        ("OSError: [Errno 98] Address already in use", ()),
        ("cannot listen on localhost:5000: Address in use", (5000,)),
    ],
)
def test_address_in_use_and_the_port_it_names(line: str, ports: tuple[int, ...]) -> None:
    failure = address_in_use(["starting", line, "bye"])
    assert failure is not None
    assert failure.ports == ports
    assert bind_denied([line]) is None


@pytest.mark.parametrize(
    ("log", "ports"),
    [
        (TRACEBACK, ()),
        ("nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)", (80,)),
        ("Error: listen EACCES: permission denied 0.0.0.0:80", (80,)),
        ("listen tcp :443: bind: permission denied", (443,)),
        ("Could not bind to port 80: Permission denied", (80,)),
    ],
)
def test_bind_denied(log: str, ports: tuple[int, ...]) -> None:
    failure = bind_denied(log.split("\n"))
    assert failure is not None
    assert failure.ports == ports
    assert address_in_use(log.split("\n")) is None


@pytest.mark.parametrize(
    "log",
    [
        "open /data/db: permission denied",
        "self.bind(x)\n1\n2\n3\n4\nPermissionError: [Errno 13] Permission denied: '/data'",
        "listening on 0.0.0.0:80",
    ],
)
def test_other_denials_are_no_failed_bind(log: str) -> None:
    assert bind_denied(log.split("\n")) is None


lines = st.lists(st.text(max_size=60) | st.sampled_from(TRACEBACK.split("\n")), max_size=12)


@given(lines)
def test_any_log_gives_a_line_of_its_own_or_none(log: list[str]) -> None:
    told = telling_line(log)
    assert (told is None) or any(told.split()[:1] == _clean(line).split()[:1] for line in log)
    for failure in (address_in_use(log), bind_denied(log)):
        assert failure is None or all(0 < port < 65536 for port in failure.ports)


def _clean(line: str) -> str:
    return one_line(line.strip()[:MOST_CHARACTERS])


@given(st.text())
def test_named_ports_are_ports(line: str) -> None:
    assert all(0 < port < 65536 for port in named_ports(line))


@pytest.mark.parametrize("unit", ["a.", "1:", ":", "bind ", "x.a:1", "error", "port ", "[", "a" * 50 + " "])
def test_hostile_lines_cost_little(unit: str) -> None:
    log = [unit * (100_000 // len(unit))] * 60
    began = time.process_time()
    telling_line(log)
    address_in_use(log)
    bind_denied(log)
    assert time.process_time() - began < 1.0
