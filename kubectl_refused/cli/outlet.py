"""The standard streams as a run uses them: a reader that has gone (`| head`) is no problem, a full disk is one.

kubectl is ended by SIGPIPE; a diagnosis goes on without a word, as it has something to clean up, and its exit code
still tells. Python's own streams would raise wherever a buffer happens to be full.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import sys
from typing import Any, NoReturn, TextIO

NOT_WRITTEN = 70  # the exit code of a run that found no fault and could not tell it
_GONE = (errno.EPIPE, errno.EINVAL)  # EINVAL: Windows


class Outlet(io.FileIO):
    """A file descriptor that takes anything once its reader is gone or it fails; `problem` says how it failed."""

    gone = False
    problem: OSError | None = None

    def write(self, data: Any) -> int:
        """Write what can be written, and say that all was."""
        if not (self.gone or self.problem):
            try:
                return super().write(data) or 0
            except OSError as error:
                self.gone = error.errno in _GONE
                self.problem = None if self.gone else error
        return memoryview(data).nbytes


def guard() -> None:
    """Put outlets under stdout and stderr, unless somebody looks on; open what was closed (`>&-`)."""
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


def is_unread(stream: TextIO) -> bool:
    """Whether nobody reads any more what is written there."""
    outlet = _outlet(stream)
    return outlet is not None and outlet.gone


def problem_of(stream: TextIO) -> str:
    """Why not all that was written has arrived, empty where it has, as far as is known."""
    outlet = _outlet(stream)
    return (outlet.problem.strerror or str(outlet.problem)) if outlet is not None and outlet.problem else ""


def leave(code: int) -> NoReturn:
    """Leave with `code` at once, without tearing the interpreter down.

    Freeing all modules one by one takes 30 ms of a quick run, and a daemon thread that holds stdout's lock
    meanwhile would abort the process.
    """
    code = _last_words(code)
    # A thread still at work might hold what those functions wait for; never import threading just to ask.
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
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
    with contextlib.suppress(OSError, ValueError):  # a terminal that has gone
        stream.flush()


def _guarded(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    try:
        if stream.isatty() or stream.fileno() != number:
            return stream
    except (OSError, ValueError):  # no descriptor: somebody put something of theirs there
        return stream
    stream.flush()
    raw = Outlet(number, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=number != 1
    )


def _outlet(stream: TextIO) -> Outlet | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None
