"""How far a scan is: on a terminal, in a log, and beside data."""

from __future__ import annotations

import io

import pytest

from kubectl_refused.cli.progress import scan_progress

HIDE_CURSOR = "\x1b[?25l"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("data", [False, True])
def test_a_bar_on_a_terminal_that_is_erased_and_never_hides_the_cursor(data: bool) -> None:
    out = Terminal()
    with scan_progress(out, data=data) as progress:
        progress.say("asking for \x1b]0;owned\x07 [bold]logs")
        progress.count(3, 7)
    told = out.getvalue()
    assert "3/7" in told
    assert "[bold]logs" in told
    assert HIDE_CURSOR not in told
    assert "\x1b]0;" not in told
    assert told.endswith("\x1b[2K")


def test_a_line_for_each_round_in_a_log() -> None:
    out = io.StringIO()
    with scan_progress(out, data=False) as progress:
        progress.say("reading")
        progress.count(0, 7)
        progress.count(0, 7)
        progress.count(5, 7)
    assert out.getvalue() == "scan: 0 of 7 Services are judged\nscan: 5 of 7 Services are judged\n"


def test_nothing_beside_data_that_nobody_watches() -> None:
    out = io.StringIO()
    with scan_progress(out, data=True) as progress:
        progress.say("reading")
        progress.count(0, 7)
    assert out.getvalue() == ""
