"""The sockets of this machine, with real listeners of this process, and what is told of them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_refused.host.socket_diagnosis import Told, parse
from kubectl_refused.host.sockets import gaps_of, read_sockets
from kubectl_refused.model.host import HostSocket, HostSockets
from kubectl_refused.renderers.terminal_listen import table
from kubectl_refused.renderers.terminal_pen import Pen
from kubectl_refused.trace.reach import reach
from tests.cli.tool import run

PEN = Pen(100, False, "utf-8")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def _mine(port: int, protocol: str = "tcp") -> list[HostSocket]:
    return [s for s in read_sockets().sockets if (s.port, s.protocol) == (port, protocol)]


def test_a_listener_and_its_owner(listener: socket.socket) -> None:
    (seen,) = _mine(listener.getsockname()[1])
    assert (seen.address, seen.pid, reach(seen)) == ("127.0.0.1", os.getpid(), "this machine only")
    assert seen.process
    assert "pytest" in seen.command or "python" in seen.command


def test_a_connection_is_no_listener(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as client:
        assert _mine(client.getsockname()[1]) == []


@pytest.mark.parametrize(
    ("dual", "reaches"), [(True, "all interfaces"), (False, "all interfaces, IPv6 only")], ids=["both", "v6only"]
)
def test_ipv6_with_and_without_ipv4(dual: bool, reaches: str) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=dual) as one:
        (seen,) = _mine(one.getsockname()[1])
    assert (seen.address, seen.v6only, reach(seen)) == ("::", not dual, reaches)


def test_datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        (seen,) = _mine(one.getsockname()[1], "udp")
    assert seen.pid == os.getpid()


def test_the_command(listener: socket.socket, tmp_path: Path) -> None:
    port = listener.getsockname()[1]
    told = run(tmp_path, "listen", str(port)).stdout
    assert f"127.0.0.1:{port}" in told
    assert "this machine only" in told
    (one,) = json.loads(run(tmp_path, "listen", "-t", f":{port}", "-o", "json").stdout)["sockets"]
    assert (one["address"], one["port"], one["pid"], one["container"]) == ("127.0.0.1", port, os.getpid(), None)
    assert json.loads(run(tmp_path, "listen", "-u", str(port), "-o", "json").stdout)["sockets"] == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["web"], "error: 'web' is no port; type listen, or listen 8080 for one port\n"),
        (["0"], "error: '0' is no port; type listen, or listen 8080 for one port\n"),
        (["-o", "xml"], "error: --output xml is not known; type --output json or wide\n"),
    ],
)
def test_wrong_usage(words: list[str], line: str, tmp_path: Path) -> None:
    done = run(tmp_path, "listen", *words)
    assert (done.returncode, done.stderr) == (2, line)


@pytest.mark.parametrize(
    ("address", "v6only", "reaches"),
    [
        ("0.0.0.0", None, "all interfaces, IPv4 only"),
        ("::", None, "all interfaces, IPv4 unless IPV6_V6ONLY is set"),
        ("::1", None, "this machine only"),
        ("127.0.0.53", None, "this machine only"),
        ("10.0.0.7", None, "one address"),
        ("fe80::1", None, "this link only"),
    ],
)
def test_reach(address: str, v6only: bool | None, reaches: str) -> None:
    assert reach(HostSocket(address, 80, v6only=v6only)) == reaches


def test_hidden_owners_are_a_gap() -> None:
    hidden = HostSocket("0.0.0.0", 80)
    (gap,) = gaps_of([hidden, HostSocket("127.0.0.1", 81, pid=1, process="web")])
    assert gap.what == "the owner of 1 socket"
    lines = table(PEN, HostSockets((hidden,), gaps=(gap,)))
    assert lines[1].split()[:2] == ["tcp", "0.0.0.0:80"]
    assert "not checked" in lines[2]


def test_names_of_processes_are_cleaned_and_cut() -> None:
    hostile = HostSocket("0.0.0.0", 80, pid=7, process="\x1b[31mred", forwards="x" * 300)
    told = table(PEN, HostSockets((hostile,)))[1]
    assert "\x1b" not in told
    assert told.endswith("…")
    assert len(told) <= PEN.width


def test_a_kernel_that_tells_less() -> None:
    message = b"\x0a\x0a\0\0\x1f\x90\0\0" + bytes(48) + b"\3\0\0\0\x10\0\0\0" + bytes(8)
    assert parse(message) == ("::", 8080, Told(None, 3, 16))
    assert parse(message + b"\x05\0\x0b\0\x01\0\0\0") == ("::", 8080, Told(True, 3, 16))
    assert parse(message + b"\x00\0\x0b\0") == ("::", 8080, Told(False, 3, 16))


def test_a_queue_that_nobody_empties() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(5)
        with socket.create_connection(one.getsockname()):
            (seen,) = _mine(one.getsockname()[1])
    assert (seen.waiting, seen.backlog) == (1, 5)
