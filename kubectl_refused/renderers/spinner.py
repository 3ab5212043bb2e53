"""The running step's name on stderr while the run lasts: one line on a terminal, erased at the end.

A thread draws, so that a blocking read does not stop the spinner. It begins after a moment, so that quick
runs do not flicker, and never hides the cursor: a killed run must leave no terminal to repair.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

from kubectl_refused.text import one_line

from .terminal_pen import Pen, cells

_FRAMES, _PLAIN_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
_DELAY = 0.4  # seconds before the first frame
_TICK = 0.1
_ERASE = "\r\x1b[K"  # ECMA-48 EL: from the cursor to the end of the line


class Steps:
    """Shows the innermost running step. A context manager; `step` may be called from any thread.

    On a terminal: a spinner, the step's name and its seconds. With `verbose`: a plain line as each step
    begins, whatever `out` is. Otherwise nothing. A failing or closed `out` silences it, and never the run.
    """

    def __init__(
        self, out: TextIO, *, verbose: bool = False, terminal: bool | None = None, delay: float = _DELAY
    ) -> None:
        """`terminal` None asks `out` itself; a dumb terminal cannot erase a line, so it gets no spinner."""
        self._pen = Pen(_columns(out), False, getattr(out, "encoding", None) or "utf-8")
        self._delay = delay
        able = _is_terminal(out) if terminal is None else terminal
        self._out, self._verbose, self._live = out, verbose, able and not verbose
        self._running: list[tuple[str, float]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._drawn = False

    def __enter__(self) -> Steps:
        if self._live:
            self._thread = threading.Thread(target=self._draw, name="spinner", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` (untrusted: it is cleaned) while the block runs, then what ran before it."""
        entry = (one_line(name), time.monotonic())
        with self._lock:
            self._running.append(entry)
        if self._verbose:
            self._write(self._pen.fold(entry[0]) + "\n")
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(entry)

    def close(self) -> None:
        """Stop and erase the line; afterwards nothing is written. May be called twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)
            self._thread = None
        if self._drawn:
            self._write(_ERASE)
            self._drawn = False

    def _draw(self) -> None:
        if self._stop.wait(self._delay):
            return
        pen = self._pen
        frames = _FRAMES if pen.fold(_FRAMES) == _FRAMES else _PLAIN_FRAMES
        count = 0
        while not self._stop.wait(_TICK):
            with self._lock:
                running = self._running[-1] if self._running else None
            if running is not None:
                self._drawn = True
                self._write(_ERASE + _frame(pen, frames[count % len(frames)], *running))
            count += 1

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):  # closed, or nobody reads it any more
            self._stop.set()
            self._live = self._verbose = False


def _frame(pen: Pen, mark: str, name: str, since: float) -> str:
    """One line short of the last column, where a terminal would wrap."""
    behind = f" {time.monotonic() - since:.0f} s"
    room = min(pen.columns, pen.width) - cells(mark) - cells(behind) - 2
    shown = pen.fold(name)
    while cells(shown) > max(room, 0):
        shown = shown[:-1]
    return f"{mark} {shown}{behind}" if room > 0 else mark


def _columns(out: TextIO) -> int:
    """The terminal's width in cells; 80 where it cannot be had."""
    try:
        return os.get_terminal_size(out.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def _is_terminal(out: TextIO) -> bool:
    try:
        return out.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")
    except ValueError:  # closed
        return False
