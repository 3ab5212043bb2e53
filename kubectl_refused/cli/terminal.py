"""What the terminal can do, and how to leave it."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn, TextIO

from .outlet import problem_of

if TYPE_CHECKING:
    from kubectl_refused.renderers import Style


def style_of(out: TextIO, *, wide: bool, environ: Mapping[str, str] = os.environ) -> Style:
    """Width and colour for `out`: colour as kubectl and no-color.org have it, width 80 where none is known."""
    from kubectl_refused.renderers import Style  # brings msgspec, which --help can do without

    colour = out.isatty() and environ.get("TERM") != "dumb" and not environ.get("NO_COLOR")
    width = shutil.get_terminal_size(fallback=(80, 24)).columns
    return Style(width=width, colour=colour, wide=wide)


NOT_WRITTEN = 70  # the exit code of a run that found no fault and could not tell it


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
    code = _last_words(code)
    if threading.active_count() == 1:  # a thread still at work might hold what those functions wait for
        atexit._run_exitfuncs()  # libraries remove their temporary files there
    os._exit(code)


def _last_words(code: int) -> int:
    """Flush both streams; the exit code tells if what was to be told did not arrive."""
    _flush(sys.stdout)
    why = problem_of(sys.stdout)
    if why:
        sys.stderr.write(f"error: standard output was not written: {why}\n")
    _flush(sys.stderr)
    return NOT_WRITTEN if why and code == 0 else code


def _flush(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        stream.flush()
