"""What the terminal can do, and how to leave it."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from kubectl_refused.renderers import Style


def style_of(out: TextIO, *, wide: bool, environ: Mapping[str, str] = os.environ) -> Style:
    """Width and colour for `out`: colour as kubectl and no-color.org have it, width 80 where none is known."""
    from kubectl_refused.renderers import Style  # brings msgspec, which --help can do without

    colour = out.isatty() and environ.get("TERM") != "dumb" and not environ.get("NO_COLOR")
    width = shutil.get_terminal_size(fallback=(80, 24)).columns
    return Style(width=width, colour=colour, wide=wide)


@contextmanager
def steps(errors: TextIO) -> Iterator[Callable[[str], None]]:
    """Give a function that names the running step: shown on a terminal, and nowhere else."""
    if not errors.isatty():
        yield lambda step: None
        return
    from kubectl_refused.renderers.spinner import Steps

    with Steps(errors) as spinner, ExitStack() as running:

        def say(step: str) -> None:
            running.close()
            running.enter_context(spinner.step(step))

        yield say


def leave(code: int) -> NoReturn:
    """Leave with `code` at once, without tearing the interpreter down.

    Freeing all modules one by one takes 30 ms of a quick run, and a daemon thread that holds stdout's lock
    meanwhile would abort the process.
    """
    _flush(sys.stdout)
    _flush(sys.stderr)
    if threading.active_count() == 1:  # a thread still at work might hold what those functions wait for
        atexit._run_exitfuncs()  # libraries remove their temporary files there
    os._exit(code)


def _flush(stream: TextIO) -> None:
    """Flush, or give up on a pipe that is closed, so that the interpreter does not complain on exit."""
    try:
        stream.flush()
    except (OSError, ValueError):
        silence(stream)


def silence(stream: TextIO) -> None:
    """Point the stream's file descriptor at nothing; see the note on SIGPIPE in Python's signal module."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass
