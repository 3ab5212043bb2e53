"""`--watch`: the report, told anew whenever it changes, until somebody interrupts."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import TextIO

from kubectl_refused.model.report import Report

from .grounds import ClusterGround, Ground
from .outlet import is_unread
from .surveys import Survey
from .terminal import steps
from .watcher import Watcher

REFRESH = 30.0  # seconds after which it is dialled again though nothing that is watched has changed
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"  # ECMA-48 CUP and ED; 3J is xterm's for the lines scrolled away


def live_view(survey: Survey, ground: Ground, render: Callable[[Report], None], out: TextIO) -> None:
    """Returns when nobody reads any more; raises Cancelled. On a terminal a report takes the place of the last."""
    assert isinstance(ground, ClusterGround)
    told = ""
    with Watcher(ground.connection, survey.watched()) as watcher, steps(sys.stderr) as say:
        while not is_unread(out):
            report = survey.report(say)
            gist = _gist(report)
            if out.isatty():
                out.write(_CLEAR)
            if out.isatty() or gist != told:
                render(report)
            told = gist
            say("watching; Ctrl-C ends it")
            watcher.wait(REFRESH)


def _gist(report: Report) -> str:
    """What a reader of a log wants to be told anew: verdicts, and no times of single dials."""
    from kubectl_refused.renderers import Style, named

    gist = io.StringIO()
    named("name")(report, gist, Style())
    return gist.getvalue()
