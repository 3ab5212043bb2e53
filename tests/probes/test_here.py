"""Dials from this machine: what the child says, that it never stays, and what other systems cannot tell."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes.agent_round import UNSOUND
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.here import FROZEN, NO_ORIGIN, Here, run_program
from kubectl_refused.probes.methods import live_methods
from kubectl_refused.probes.probe_agent_source import packed_source
from tests.fakes import ask, probe_context

HERE = Client(key="here", standing="here")
SLEEPS = "import time\nprint('begun', flush=True)\ntime.sleep(60)"
ON_DARWIN = "import sys\nsys.platform = 'darwin'\n"


def context(*clients: Client, **settings: Any) -> ProbeContext:
    """A run of `--from here`."""
    return replace(probe_context(**settings), clients=clients or (HERE,))


def closed_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_is_the_witness(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    method = Here()
    with socket.create_server((address, 0), family=family) as server:
        (said,) = ask(method, context(), HANDSHAKE, Dial(address, server.getsockname()[1], "here"))
    assert (said.outcome, said.witness, said.source) == (Outcome.ACCEPTED, "here", address)
    assert method.vantages == {"here": Vantage("here", key="here")}
    assert method.unlikes == ()


def test_a_name_resolves_as_it_does_here() -> None:
    (said,) = ask(Here(), context(), LOOKUP, NameKey("localhost", "here"))
    assert "127.0.0.1" in said.addresses or "::1" in said.addresses
    assert said.witness == "here"


def test_refused_on_linux_is_known_to_be_an_rst() -> None:
    method = Here()
    (said,) = ask(method, context(), HANDSHAKE, Dial("127.0.0.1", closed_port(), "here"))
    assert (said.outcome, said.detail, method.unlikes) == (Outcome.REFUSED, "", ())


def test_without_an_error_queue_who_refused_is_a_gap() -> None:
    method = Here(ON_DARWIN + packed_source())
    (said,) = ask(method, context(), HANDSHAKE, Dial("127.0.0.1", closed_port(), "here"))
    assert (said.outcome, said.icmp) == (Outcome.REFUSED, None)
    assert "who refused cannot be told" in said.detail
    assert method.unlikes == (NO_ORIGIN,)


def test_without_an_error_queue_an_accept_is_an_accept() -> None:
    method = Here(ON_DARWIN + packed_source())
    with socket.create_server(("127.0.0.1", 0)) as server:
        (said,) = ask(method, context(), HANDSHAKE, Dial("127.0.0.1", server.getsockname()[1], "here"))
    assert (said.outcome, method.unlikes) == (Outcome.ACCEPTED, ())


def test_only_needs_of_this_machine_are_taken() -> None:
    both = context(HERE, Client(key="pod/shop/web-1", standing="pod"))
    method = Here()
    assert method.takes(Need(HANDSHAKE, Dial("10.0.0.1", 80, "here")), both)
    assert not method.takes(Need(HANDSHAKE, Dial("10.0.0.1", 80, "pod/shop/web-1")), both)
    assert not method.takes(Need(HANDSHAKE, Dial("10.0.0.1", 80)), probe_context())


def test_it_is_there_from_level_passive_and_needs_no_right() -> None:
    (found,) = [m for m in live_methods(Depth.PASSIVE) if m.name == "here"]
    assert found.rights == ()


def test_what_is_no_address_is_not_asked() -> None:
    method = Here("raise SystemExit(3)")
    odd = [Dial("-oProxy", 80, "here"), Dial("10.0.0.1 x", 80, "here"), Dial("10.0.0.1", 0, "here")]
    assert ask(method, context(), HANDSHAKE, *odd) == [UNSOUND] * 3
    assert method.vantages == {}


@pytest.mark.parametrize(
    ("program", "because"),
    [
        ("print('hello\\x1b[2J')", "the probe ended before it answered; it wrote: hello [2J"),
        ("raise OSError('no sockets')", "the probe ended before it answered; it wrote: OSError: no sockets"),
        ("pass", "the probe ended before it answered"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "the probe was killed by signal 9"),
    ],
)
def test_an_agent_that_fails_is_a_gap(program: str, because: str) -> None:
    method = Here(program)
    (gap,) = ask(method, context(), HANDSHAKE, Dial("127.0.0.1", 1, "here"))
    assert isinstance(gap, Gap)
    assert gap.because == because
    assert method.vantages == {}


def test_what_was_answered_before_it_was_killed_counts() -> None:
    done, undone = Dial("127.0.0.1", 1, "here"), Dial("127.0.0.1", 2, "here")
    line = '{"id": "dial:127.0.0.1:1", "outcome": "accepted"}'
    program = f"import os, signal\nprint('{line}', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    said, gap = ask(Here(program), context(), HANDSHAKE, done, undone)
    assert said.outcome is Outcome.ACCEPTED
    assert "signal 9" in gap.because


@pytest.mark.parametrize("changed", [("frozen", True), ("executable", "")])
def test_a_build_without_an_interpreter_does_not_start_itself(
    changed: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, *changed, raising=False)
    assert ask(Here(), context(), HANDSHAKE, Dial("127.0.0.1", 1, "here")) == [FROZEN]


def test_an_interpreter_that_is_gone_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
    (gap,) = ask(Here(), context(), HANDSHAKE, Dial("127.0.0.1", 1, "here"))
    assert gap.because == "the probe cannot be started: No such file or directory"


def children() -> set[str]:
    """Process ids of this process's children, the dead that nobody waited for among them."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        found.update((task / "children").read_text().split())
    return found


def test_a_cancelled_run_leaves_no_child() -> None:
    cancel, before = Cancel(), children()
    timer = threading.Timer(0.4, cancel.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_program(SLEEPS, (), cancel, 30.0)
    assert time.monotonic() - began < 3.0
    timer.join()
    assert children() <= before


def test_a_child_that_hangs_is_ended_in_time_and_heard() -> None:
    before = children()
    ended = run_program(SLEEPS, (), Cancel(), 1.5)
    assert ended.status < 0
    assert ended.stdout == b"begun\n"
    assert children() <= before


def test_modules_of_the_working_directory_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))
    (said,) = ask(Here(), context(), HANDSHAKE, Dial("127.0.0.1", closed_port(), "here"))
    assert said.outcome is Outcome.REFUSED
