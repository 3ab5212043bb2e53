"""`--watch`: the report, told anew whenever it changes, until somebody interrupts."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TextIO

from kubectl_refused.model.report import Report, Scan

from .grounds import ClusterGround, Ground
from .outlet import is_unread
from .surveys import Say, Survey
from .terminal import steps
from .watcher import Watcher

REFRESH = 30.0  # seconds after which it is dialled again though nothing that is watched has changed
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"  # ECMA-48 CUP and ED; 3J is xterm's for the lines scrolled away


class Live(Protocol):
    """What is told anew, for the length of a block that watches."""

    def __enter__(self) -> Live: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def report(self, say: Say) -> Report:
        """How it is now."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for a change, for at most so long; whether there was one. Raises Cancelled."""
        ...


class Rereading:
    """Few targets: after a change they are read and judged anew."""

    def __init__(self, survey: Survey, ground: Ground) -> None:
        assert isinstance(ground, ClusterGround)
        self._survey = survey
        self._watcher = Watcher(ground.connection, survey.watched())

    def __enter__(self) -> Rereading:
        self._watcher.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._watcher.__exit__(kind, error, at)

    def report(self, say: Say) -> Report:
        """Diagnose every target."""
        return self._survey.report(say)

    def wait(self, seconds: float) -> bool:
        """Wait for a change."""
        return self._watcher.wait(seconds)


def live_view(live: Live, render: Callable[[Report], None], seen: Callable[[Report], None], out: TextIO) -> None:
    """Returns when nobody reads any more; raises Cancelled. On a terminal a report takes the place of the last.

    `seen` gets every report, `render` those that are told.
    """
    told: str | None = None
    with live, steps(sys.stderr) as say:
        while not is_unread(out):
            report = live.report(say)
            seen(report)
            gist = _gist(report)
            if out.isatty():
                out.write(_CLEAR)
            if out.isatty() or gist != told:
                render(report)
            told = gist
            say("watching; Ctrl-C ends it")
            live.wait(REFRESH)


def _gist(report: Report) -> str:
    """What a reader of a log wants to be told anew: verdicts, what was not read, and no times of single dials."""
    from kubectl_refused.renderers import Style, named

    gist = io.StringIO()
    named("name")(report, gist, Style())
    if isinstance(report, Scan):
        gist.writelines([*(row.state for row in report.rows), *(gap.what for gap in report.gaps)])
    return gist.getvalue()
