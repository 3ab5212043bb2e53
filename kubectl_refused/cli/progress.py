"""How far a scan is: a bar on a terminal, plain lines in a log, nothing beside data that nobody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from kubectl_refused.text import one_line


class Progress:
    """Shows nothing; what shows something inherits it. Used by one thread at a time."""

    def say(self, step: str) -> None:
        """The running step."""

    def count(self, judged: int, services: int) -> None:
        """How many Services have their verdict, of how many."""


class Lines(Progress):
    """A line when a round begins, as logs keep every one."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._counted = out, ""

    def count(self, judged: int, services: int) -> None:
        """Write it if it is another than before."""
        told = f"scan: {judged} of {services} Services are judged\n"
        if told != self._counted:
            self._counted = told
            self._out.write(told)
            self._out.flush()


class Bar(Progress):
    """rich's progress bar; it is erased at the end."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._task = progress.add_task("scanning", total=None)

    def say(self, step: str) -> None:
        """Name the step beside the bar."""
        self._progress.update(self._task, description=one_line(step, 60))

    def count(self, judged: int, services: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=judged, total=services)


@contextmanager
def scan_progress(errors: TextIO, *, data: bool) -> Iterator[Progress]:
    """What fits `errors`; `data` tells that the report is for programs."""
    if not errors.isatty():
        yield Progress() if data else Lines(errors)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    class Plain(Console):
        """A console that never hides the cursor: a killed run must leave no terminal to repair."""

        def show_cursor(self, show: bool = True) -> bool:
            return False

    columns = (
        BarColumn(20),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=Plain(file=errors), transient=True) as progress:
        yield Bar(progress)
