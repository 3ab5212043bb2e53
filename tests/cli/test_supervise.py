"""Signals, crashes and clean-up: a run never hangs, and leaves with the right code and one line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kubectl_refused.cli.supervise import report_problem, supervise
from kubectl_refused.connection.errors import Unreachable
from kubectl_refused.errors import UsageProblem

from .tool import environment


@dataclass
class Fake:
    """A job made of functions; `cancelled` is set by cancel."""

    do: Callable[[Fake], int]
    cleaning: Callable[[], None] = lambda: None
    remaining: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)
    cleaned: int = 0

    def work(self) -> int:
        return self.do(self)

    def cancel(self) -> None:
        self.cancelled.set()

    def clean_up(self, deadline: float) -> None:
        self.cleaned += 1
        self.cleaning()

    def left(self) -> Sequence[str]:
        return self.remaining

    def going(self) -> Sequence[str]:
        return self.running


def _raising(error: Exception) -> Callable[[Fake], int]:
    def work(job: Fake) -> int:
        raise error

    return work


def _signalled(*numbers: int) -> Callable[[Fake], int]:
    """Work that signals its own process and then waits to be cancelled."""

    def work(job: Fake) -> int:
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.15)
        job.cancelled.wait(10)
        return 0

    return work


def _wait(event: threading.Event) -> None:
    event.wait(10)


def test_the_result_is_the_exit_code() -> None:
    job, errors = Fake(lambda job: 3), io.StringIO()
    assert supervise(job, errors=errors) == 3
    assert (errors.getvalue(), job.cleaned) == ("", 0)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageProblem("wrong", "right"), 2, "error: wrong; right\n"),
        (Unreachable("no answer"), 4, "error: no answer\n"),
    ],
)
def test_known_problems_are_one_line(error: Exception, code: int, line: str) -> None:
    job, errors = Fake(_raising(error)), io.StringIO()
    assert supervise(job, errors=errors) == code
    assert (errors.getvalue(), job.cleaned) == (line, 1)


def test_a_crash_is_one_line_with_the_place() -> None:
    job, errors = Fake(_raising(KeyError("x\x1b[31m"))), io.StringIO()
    assert supervise(job, errors=errors) == 70
    assert errors.getvalue().startswith("error: kubectl refused itself failed: KeyError: ")
    assert errors.getvalue().count("\n") == 1
    assert "test_supervise.py:" in errors.getvalue()
    assert "\x1b" not in errors.getvalue()


def test_verbose_adds_the_traceback() -> None:
    errors = io.StringIO()
    assert report_problem(ValueError("x"), errors, verbose=True) == 70
    assert "ValueError: x\n" in errors.getvalue()


@pytest.fixture
def hang_up_heard() -> Iterator[None]:
    """As from a terminal: whoever runs the tests by nohup ignores SIGHUP, and children inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up_heard")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_cancels_cleans_up_and_leaves(number: int, code: int) -> None:
    job, errors, start = Fake(_signalled(number)), io.StringIO(), time.monotonic()
    assert supervise(job, errors=errors) == code
    assert job.cancelled.is_set()
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    assert (job.cleaned, errors.getvalue()) == (1, f"{how}; nothing is left behind\n")
    assert time.monotonic() - start < 3


def test_what_runs_on_in_a_container_is_told() -> None:
    job, errors = Fake(_signalled(signal.SIGINT), running=("the probe agent in pod/cart",)), io.StringIO()
    assert supervise(job, errors=errors) == 130
    assert errors.getvalue().splitlines() == [
        "interrupted; nothing is left behind",
        "the probe agent in pod/cart ends with its stream,"
        " or where that is not passed on, by itself within a minute",
    ]


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    supervise(Fake(lambda job: 0))
    assert signal.getsignal(signal.SIGINT) is before


def _hung_up(job: Fake) -> int:
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(0.1)
    return 5


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert supervise(Fake(_hung_up)) == 5
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_prints_what_is_left_to_delete() -> None:
    hanging = threading.Event()
    job = Fake(_signalled(signal.SIGINT, signal.SIGINT), lambda: _wait(hanging), ("kubectl delete job/x",))
    errors, start = io.StringIO(), time.monotonic()
    assert supervise(job, errors=errors) == 130
    hanging.set()
    told = "interrupted; not everything was removed:\nleft behind: kubectl delete job/x\n"
    assert errors.getvalue() == told
    assert time.monotonic() - start < 3


def test_clean_up_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_refused.cli.supervise.DEADLINE", 0.3)
    hanging = threading.Event()
    job = Fake(_signalled(signal.SIGTERM), lambda: _wait(hanging), ("kubectl delete job/x",))
    errors, start = io.StringIO(), time.monotonic()
    assert supervise(job, errors=errors) == 143
    hanging.set()
    assert "kubectl delete job/x" in errors.getvalue()
    assert time.monotonic() - start < 3


def test_a_clean_up_that_fails_hides_nothing() -> None:
    def fail() -> None:
        raise OSError("no")

    job, errors = Fake(_raising(UsageProblem("wrong")), fail, ("kubectl delete job/x",)), io.StringIO()
    assert supervise(job, errors=errors) == 2
    assert errors.getvalue() == "left behind: kubectl delete job/x\nerror: wrong\n"


BLOCKED = """
import sys, threading
from kubectl_refused.cli.supervise import supervise
from kubectl_refused.cli.outlet import leave
class Job:
    def work(self):
        print("working", flush=True)
        while True:
            threading.Event().wait(60)  # deaf to any cancel
    def cancel(self): pass
    def clean_up(self, deadline): print("cleaned", flush=True)
    def left(self): return ()
    def going(self): return ()
sys.exit(leave(supervise(Job())))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_whose_work_is_stuck_still_leaves(number: int, code: int, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BLOCKED], stdout=subprocess.PIPE, text=True, env=environment(tmp_path)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=15)
    assert (process.returncode, out) == (code, "cleaned\n")
