"""Where a report goes: stdout, the files of --report, and the summary of a GitHub step."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

from kubectl_refused.errors import UsageProblem, shown

from .options import OUTPUTS
from .outlet import NOT_WRITTEN

if TYPE_CHECKING:
    from kubectl_refused.model.report import Report

    from .request import Request

WIDTH = 100  # cells of a report for people in a file
SUMMARY = "GITHUB_STEP_SUMMARY"
LARGEST_SUMMARY = 1 << 20  # bytes of all that a step writes; GitHub shows nothing beyond
_INSTEAD = "type --report FORMAT=PATH, FORMAT one of " + ", ".join(OUTPUTS)


class ReportFile(Struct, frozen=True):
    """One --report: a format and a file."""

    format: str
    path: str


def report_files(typed: Sequence[str]) -> tuple[ReportFile, ...]:
    """What was typed behind --report. Raises UsageProblem."""
    found: list[ReportFile] = []
    for text in typed:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise UsageProblem(f"--report {shown(text)} names no file", _INSTEAD)
        if name not in OUTPUTS:
            raise UsageProblem(f"--report {shown(text)}: there is no format {shown(name)}", _INSTEAD)
        if path == "-":
            raise UsageProblem(f"--report {shown(text)} is no file", f"type -o {name} for the standard output")
        if any(os.path.abspath(path) == os.path.abspath(other.path) for other in found):
            raise UsageProblem(f"--report names {shown(path)} twice", "give each report a file of its own")
        found.append(ReportFile(name, path))
    return tuple(found)


def metrics_file_of(typed: str | None, reports: Sequence[ReportFile]) -> str:
    """What was typed behind --metrics-file, empty for nothing. Raises UsageProblem."""
    if typed is None:
        return ""
    if typed in ("", "-"):
        raise UsageProblem(f"--metrics-file '{typed}' names no file", "type --metrics-file FILE")
    if any(os.path.abspath(typed) == os.path.abspath(other.path) for other in reports):
        raise UsageProblem(f"--metrics-file and --report name {shown(typed)}", "give each a file of its own")
    return typed


def check_reports(request: Request) -> None:
    """See that every file can be written, before anything is dialled. Raises UsageProblem."""
    for name, path in _files(request):
        try:
            why = _obstacle(os.path.realpath(path))
        except (OSError, ValueError) as error:  # ValueError: a null byte in the name
            why = getattr(error, "strerror", None) or str(error)
        if why:
            raise UsageProblem(
                f"{shown(name)} cannot be written: {why}", "name a file in a folder you may write to"
            )


def _files(request: Request) -> Iterator[tuple[str, str]]:
    """Every file that is to be written, by what was typed, and its path."""
    for report in request.reports:
        yield f"--report {report.format}={report.path}", report.path
    if request.scan is not None and request.scan.metrics_file:
        yield f"--metrics-file {request.scan.metrics_file}", request.scan.metrics_file


def _obstacle(path: str) -> str:
    """What keeps a file from being written, empty for nothing."""
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        return "it is a folder"
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        return "" if os.access(path, os.W_OK) else "no right to write to it"
    if not os.path.isdir(folder):
        return f"there is no folder {shown(folder)}"
    # The file is made beside its name and renamed: that takes the folder's rights. access(2) calls a file system
    # that is mounted read-only writable for nobody, root included, and is right about that.
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"no right to write to the folder {shown(folder)}"


def render(report: Report, output: str, out: TextIO) -> None:
    """Write the report in the format of an --output, empty for people's."""
    from kubectl_refused.renderers import named

    from .terminal import style_of

    name = "terminal" if output in ("", "wide") else output
    named(name)(report, out, style_of(out, wide=output == "wide"))


def tell_all(report: Report, request: Request, code: int, environ: Mapping[str, str] = os.environ) -> int:
    """Write the files and the step's summary; returns the exit code, which tells if one could not be written."""
    written = [
        _tried(f"--report {file.format}={file.path}", partial(_write, report, file)) for file in request.reports
    ]
    written.append(write_metrics(report, request))
    if environ.get(SUMMARY) and "github" in (request.output, *(file.format for file in request.reports)):
        _summarize(report, environ[SUMMARY])
    return NOT_WRITTEN if code == 0 and not all(written) else code


def write_metrics(report: Report, request: Request, now: Callable[[], float] = time.time) -> bool:
    """Write --metrics-file, if it was asked for; False where it could not be, which a line tells."""
    path = request.scan.metrics_file if request.scan else ""
    return not path or _tried(f"--metrics-file {path}", partial(_write_metrics, report, path, now()))


def _write_metrics(report: Report, path: str, at: float) -> None:
    """Raises OSError."""
    from kubectl_refused.model.report import Scan
    from kubectl_refused.renderers.metrics import render  # brings the client library

    assert isinstance(report, Scan)
    with _replacing(os.path.realpath(path)) as out:
        render(report, out, at=at)


def _tried(name: str, write: Callable[[], None]) -> bool:
    """Whether a file could be written; a line on stderr says why not."""
    try:
        write()
    except OSError as error:
        sys.stderr.write(f"error: {shown(name)} was not written: {error.strerror or error}\n")
        return False
    return True


def _write(report: Report, file: ReportFile) -> None:
    """Write one file, whole or not at all. Raises OSError."""
    from kubectl_refused.renderers import Style, named

    name = "terminal" if file.format == "wide" else file.format
    with _replacing(os.path.realpath(file.path)) as out:
        named(name)(report, out, Style(width=WIDTH, wide=file.format == "wide"))


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[TextIO]:
    """A stream to a new file that takes the name at the end; straight into a pipe or a device."""
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "w", encoding="utf-8", newline="\n") as out:
            yield out
        return
    import tempfile  # brings random and its hashes

    handle, fresh = tempfile.mkstemp(prefix=".kubectl-refused-", dir=os.path.dirname(path))
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as out:
            yield out
        os.chmod(fresh, _mode(path))
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def _mode(path: str) -> int:
    """The rights of the file that is replaced, or those of any new file; mkstemp gives it to nobody else."""
    if os.path.exists(path):
        return stat.S_IMODE(os.stat(path).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _summarize(report: Report, path: str) -> None:
    """Append to the step's summary what there is room for; nothing of the run depends on it."""
    from kubectl_refused.renderers.as_markdown import markdown

    try:
        with open(path, "a", encoding="utf-8", newline="\n") as out:
            out.write(markdown(report, LARGEST_SUMMARY - out.tell()))
    except OSError as error:
        sys.stderr.write(f"the summary {shown(path)} was not written: {error.strerror or error}\n")
