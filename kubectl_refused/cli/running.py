"""`kubectl refused run -- COMMAND`: the cluster is watched beside it, and its exit code is ours in any case."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.judge.explaining import Told
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.target import Depth
from kubectl_refused.resolve.error_text import ErrorText
from kubectl_refused.text import mask, one_line

from .child import Child
from .explaining import Evidence, ExplanationJob
from .recorder import LAST_NEWS, Recorder
from .reports import check_reports
from .request import Request
from .supervise import supervise

MOST_WORDS, LONGEST_WORD = 200, 500
FREE, SHARE = 2.0, 0.2  # seconds of work on the output, and the part of each further second


def shown(command: Sequence[str]) -> tuple[str, ...]:
    """The command's words, fit to show: masked together, as a password may be the word behind its option."""
    return tuple(mask("\t".join(one_line(word, LONGEST_WORD) for word in command[:MOST_WORDS])).split("\t"))


class ReadAlong:
    """Looks at the output for failed connections, within a part of the time that the command takes."""

    def __init__(self) -> None:
        self.text, self.skipped = ErrorText(), 0
        self._begun, self._spent = time.monotonic(), 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._begun

    def take(self, data: bytes) -> None:
        """Look at a piece, unless those before took too long: what only passes through is never held up."""
        if self._spent > FREE + SHARE * self.elapsed:
            self.skipped += len(data)
            return
        begun = time.thread_time()
        self.text.feed(data, self.elapsed)
        self._spent += time.thread_time() - begun


def run_command(command: Sequence[str], request: Request) -> int:
    """Run the command and return its exit code; explained is only a failure, or where a report is wanted.

    Raises UsageProblem for a report that cannot be written and NotStarted.
    """
    check_reports(request)
    recorder, gaps = _watching(request)
    gaps += recorder.gaps if recorder else []
    _tell(gaps, sys.stderr)
    reading = ReadAlong()
    if recorder:
        recorder.begin()
    child = Child(command, reading.take)
    code = child.run()
    told = Told(shown(command), code, reading.elapsed)
    if recorder:
        time.sleep(0.0 if code == 0 or child.interrupted else LAST_NEWS)
        recorder.stop()
        gaps = recorder.gaps
    if (code and _may_explain(recorder, request)) or request.reports:
        evidence = _evidence(reading, told, recorder, gaps)
        dial = code != 0 and not child.interrupted
        out = sys.stderr if code else io.StringIO()
        supervise(ExplanationJob(request, out, lambda: evidence, dial=dial), verbose=request.verbose)
    return code


def _watching(request: Request) -> tuple[Recorder | None, list[Gap]]:
    """What watches, or why nothing does: the command runs in any case."""
    from kubectl_refused.connection.client import connect

    try:
        connection = connect(request.connection)
    except ConnectionProblem as problem:
        why = problem.message.removesuffix(f"; {problem.instead}")
        return None, [Gap("Services, EndpointSlices and pods", why)]
    scanned = request.scan.namespace if request.scan else None
    namespace = connection.namespace if scanned is None else scanned
    recorder = Recorder(connection, namespace, logs=request.probing.depth is not Depth.NONE)
    recorder.start()
    return recorder, []


def _may_explain(recorder: Recorder | None, request: Request) -> bool:
    """Whether there is a cluster to ask; the command may have made one."""
    from kubectl_refused.connection.client import connect

    if recorder is not None:
        return True
    try:
        connect(request.connection).close()
    except ConnectionProblem:
        return False
    return True


def _evidence(reading: ReadAlong, told: Told, recorder: Recorder | None, gaps: Sequence[Gap]) -> Evidence:
    text, failures = reading.text, reading.text.end(reading.elapsed)
    if reading.skipped:
        why = f"there was more than could be looked at beside it: {reading.skipped >> 10} KB were passed on only"
        gaps = [*gaps, Gap("some of the output", why)]
    if recorder is None:
        return Evidence(failures, text.left_out, told, gaps=gaps)
    return Evidence(failures, text.left_out, told, recorder.history, recorder.logs, gaps)


def _tell(gaps: Sequence[Gap], errors: TextIO) -> None:
    """One line for all that is not watched."""
    if gaps:
        what = ", ".join(gap.what for gap in gaps)
        why = "; ".join(filter(None, (gaps[0].because, gaps[0].remedy)))
        errors.write(f"kubectl refused: not watched: {what}: {one_line(why)}\n")
        errors.flush()
