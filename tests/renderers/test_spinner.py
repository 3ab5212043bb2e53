"""The spinner: seen on a terminal only, and never left behind."""

from __future__ import annotations

import io
import os
import re
import threading
import time
from typing import TextIO

import pytest

from kubectl_refused.renderers.spinner import Steps

ERASE = "\r\x1b[K"


class Terminal:
    """A pseudo-terminal: `out` is its line's end, `seen` what reached the screen's end."""

    def __init__(self) -> None:
        self._screen, line = os.openpty()
        self.out: TextIO = os.fdopen(line, "w", encoding="utf-8")
        self._read: list[bytes] = []
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        try:
            while data := os.read(self._screen, 4096):
                self._read.append(data)
        except OSError:  # EIO: the line's end is closed (pty(7))
            return

    @property
    def seen(self) -> str:
        return b"".join(self._read).decode()

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 5
        while text not in self.seen and time.monotonic() < end:
            time.sleep(0.01)
        assert text in self.seen

    def close(self) -> str:
        self.out.close()
        self._reader.join(5)
        os.close(self._screen)
        return self.seen


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_the_running_step_is_named_and_erased(terminal: Terminal) -> None:
    with Steps(terminal.out, delay=0) as steps, steps.step("reading objects"):
        with steps.step("dialling 3 endpoints"):
            terminal.wait_for("dialling 3 endpoints 0 s")
        terminal.wait_for("reading objects 0 s")
    assert terminal.close().endswith(ERASE)


def test_an_exception_leaves_nothing_behind(terminal: Terminal) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_within(terminal)
    assert terminal.close().endswith(ERASE)


def _fail_within(terminal: Terminal) -> None:
    with Steps(terminal.out, delay=0) as steps, steps.step("failing"):
        terminal.wait_for("failing")
        raise ZeroDivisionError


def test_a_quick_run_draws_nothing(terminal: Terminal) -> None:
    with Steps(terminal.out) as steps, steps.step("quick"):
        pass
    assert terminal.close() == ""


def test_nothing_is_drawn_after_the_end(terminal: Terminal) -> None:
    steps = Steps(terminal.out, delay=0)
    with steps, steps.step("reading"):
        terminal.wait_for("reading")
    steps.close()
    terminal.out.write("the report")
    terminal.out.flush()
    time.sleep(0.25)  # more than two frames
    assert terminal.close().endswith(f"{ERASE}the report")


def test_a_hostile_name_cannot_steer(terminal: Terminal) -> None:
    with Steps(terminal.out, delay=0) as steps, steps.step("x\x1b[2J\x9b2J\n\u202e" + "漢" * 200):
        terminal.wait_for("漢")
    frames = [f for f in terminal.close().split(ERASE) if f]
    assert frames
    assert all(re.fullmatch(r".[ ]x ?漢{10,60} 0 s", frame) for frame in frames)


def test_no_terminal_no_spinner() -> None:
    out = io.StringIO()
    with Steps(out, delay=0) as steps, steps.step("reading"):
        time.sleep(0.25)
    assert out.getvalue() == ""


def test_a_dumb_terminal_gets_no_spinner(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with Steps(terminal.out, delay=0) as steps, steps.step("reading"):
        time.sleep(0.25)
    assert terminal.close() == ""


def test_verbose_writes_a_line_for_each_step() -> None:
    out = io.StringIO()
    with Steps(out, verbose=True) as steps, steps.step("reading"), steps.step("dialling"):
        pass
    assert out.getvalue() == "reading\ndialling\n"


def test_a_closed_stream_does_not_stop_the_run() -> None:
    out = io.StringIO()
    out.close()
    done = []
    with Steps(out, verbose=True) as steps, steps.step("reading"):
        done.append("reading")
    with Steps(out, terminal=True, delay=0) as steps, steps.step("dialling"):
        time.sleep(0.15)
        done.append("dialling")
    assert done == ["reading", "dialling"]
