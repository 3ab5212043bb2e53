"""Run work in a daemon thread while the main thread stays free for signals, and never hang on leaving.

A handler only notes the signal. The main thread sees the note within POLL seconds, cancels the work, gives
the clean-up its deadline and leaves with 128+n. A second signal ends the waiting: what is left to delete is
printed as a command then.
"""

from __future__ import annotations

import io
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Protocol, TextIO

from msgspec import Struct, field

from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.errors import RefusedError, shown

from .exit_codes import CRASH, NO_CLUSTER, SIGNAL

POLL = 0.05  # seconds
UNWIND = 1.0  # seconds for cancelled work to end by itself, within the deadline
DEADLINE = 5.0  # seconds from the signal until we leave, whatever remains
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Job(Protocol):
    """What is supervised."""

    def work(self) -> int:
        """Do everything and return the exit code; runs in a daemon thread."""
        ...

    def cancel(self) -> None:
        """Make `work` end soon; must not block."""
        ...

    def clean_up(self, deadline: float) -> None:
        """Undo what `work` left behind, until time.monotonic() reaches `deadline`; runs in a daemon thread."""
        ...

    def left(self) -> Sequence[str]:
        """Commands that would undo what still remains."""
        ...

    def going(self) -> Sequence[str]:
        """What may still run in somebody's container, and ends by itself."""
        ...


class Noted(Struct):
    """The signals that arrived, oldest first."""

    numbers: list[int] = field(default_factory=list)

    def note(self, number: int, frame: FrameType | None) -> None:
        """The handler: nothing but a note, as it runs between any two bytecodes of the main thread."""
        self.numbers.append(number)


def supervise(job: Job, *, errors: TextIO | None = None, verbose: bool = False) -> int:
    """Run the job and return the exit code; known problems and crashes become one line on `errors`."""
    errors = errors or sys.stderr
    noted = Noted()
    # Ignored SIGHUP stays ignored: that is how nohup(1) works.
    wanted = [
        number for number in _SIGNALS if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN
    ]
    before = {number: signal.signal(number, noted.note) for number in wanted}
    try:
        return _supervise(job, noted, errors, verbose=verbose)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _supervise(job: Job, noted: Noted, errors: TextIO, *, verbose: bool) -> int:
    work = _Thread(job.work)
    while not work.ended(POLL) and not noted.numbers:
        pass
    if noted.numbers:
        return _interrupted(job, work, noted, errors)
    if work.error is None:
        _tell_left(job, errors)
        return work.result or 0
    # A failed run may have left something too: its own clean-up is what failed.
    _clean_up(job, noted, errors)
    return report_problem(work.error, errors, verbose=verbose)


def _interrupted(job: Job, work: _Thread, noted: Noted, errors: TextIO) -> int:
    first = noted.numbers[0]
    told = io.StringIO()
    try:
        job.cancel()
        _clean_up(job, noted, told, wait_for=work)
    except Exception as error:
        told.write(_crash_line(error))
    how = "interrupted" if first == signal.SIGINT else f"ended by {signal.Signals(first).name}"
    errors.write(f"{how}; {'not everything was removed:' if told.getvalue() else 'nothing is left behind'}\n")
    errors.write(told.getvalue())
    for what in job.going():
        errors.write(f"{what} ends with its stream, or where that is not passed on, by itself within a minute\n")
    return SIGNAL + first


def _clean_up(job: Job, noted: Noted, errors: TextIO, *, wait_for: _Thread | None = None) -> None:
    """Undo within DEADLINE seconds; one more signal cuts it short."""
    enough = len(noted.numbers) + 1
    end = time.monotonic() + DEADLINE

    def clean() -> int:
        if wait_for is not None:  # so that it creates nothing after we have deleted
            wait_for.ended(UNWIND)
        job.clean_up(end)
        return 0

    cleaning = _Thread(clean)
    while not cleaning.ended(POLL) and len(noted.numbers) < enough and time.monotonic() < end:
        pass
    _tell_left(job, errors)


def _tell_left(job: Job, errors: TextIO) -> None:
    for command in job.left():
        errors.write(f"left behind: {command}\n")


class _Thread:
    """A daemon thread with its result or error."""

    def __init__(self, function: Callable[[], int]) -> None:
        self.result: int | None = None
        self.error: BaseException | None = None
        self._function = function
        self._done = threading.Event()
        threading.Thread(target=self._run, daemon=True, name=function.__name__).start()

    def _run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:
            self.error = error
        finally:
            self._done.set()

    def ended(self, seconds: float) -> bool:
        """Whether it has ended, after waiting for at most `seconds`."""
        return self._done.wait(seconds)


def report_problem(error: BaseException, errors: TextIO, *, verbose: bool) -> int:
    """Tell a problem in one line and return its exit code; a crash has its traceback with `verbose`."""
    if isinstance(error, RefusedError):
        errors.write(f"error: {error.message}\n")
        return error.exit_code
    if isinstance(error, ConnectionProblem):
        errors.write(f"error: {error.message}\n")
        return NO_CLUSTER
    if verbose:
        errors.write("".join(traceback.format_exception(error)))
    errors.write(_crash_line(error))
    return CRASH


def _crash_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    says = shown(f"{type(error).__name__}: {error}")
    return f"error: kubectl refused itself failed: {says}{where}; run it again with -v and report what it prints\n"
