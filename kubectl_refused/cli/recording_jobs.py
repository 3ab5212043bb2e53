"""`record`, a diagnosis that is written into a file when it has ended, and `--recording`, which tells it again."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from kubectl_refused.errors import RefusedError, UsageProblem, shown
from kubectl_refused.model.report import Report
from kubectl_refused.recordings.bundle import packed, write
from kubectl_refused.recordings.masking import without_masked_commands

from .grounds import Ground
from .outlet import NOT_WRITTEN
from .recordings import RecordedGround, ReplayedGround
from .request import Request
from .run import DiagnosisJob
from .surveys import Survey, TargetsSurvey


class _MaskedJob(DiagnosisJob):
    """A diagnosis of masked objects: its report has no command that would write a mask into the cluster."""

    def __init__(self, request: Request, out: TextIO, ground_of: Callable[[Request], Ground]) -> None:
        super().__init__(request, out, ground_of)

    def _diagnose(self, ground: Ground, request: Request) -> Report:
        return without_masked_commands(super()._diagnose(ground, request))

    def _add(self, line: str) -> None:
        """One more line below a report for people."""
        self._out.write(line)
        self._out.flush()


class ReplayJob(_MaskedJob):
    """A recording told again."""

    def __init__(self, request: Request, out: TextIO) -> None:
        super().__init__(request, out, ReplayedGround)

    def work(self) -> int:
        """Diagnose from the file, and say where that is from."""
        code = super().work()
        if self._request.output in ("", "wide") and isinstance(self._ground, ReplayedGround):
            told = self._ground.recording
            at = datetime.fromtimestamp(min(max(told.taken, 0), _LATEST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._add(f"replayed from {shown(self._request.recording)}, "
                      f"recorded {at} by kubectl-refused {shown(told.tool)}\n")  # fmt: skip
        return code

    def _survey(self, ground: Ground, request: Request) -> Survey:
        return TargetsSurvey(ground, single=len(request.targets) < 2)


_LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z


class RecordJob(_MaskedJob):
    """A recorded diagnosis. The file is written by a run that ends by itself, or not at all."""

    def __init__(self, request: Request, out: TextIO, path: str, *, overwrite: bool) -> None:
        super().__init__(request, out, RecordedGround)
        self._path, self._overwrite = path, overwrite

    def work(self) -> int:
        """Diagnose, tell, and write; the exit code is the diagnosis's, and tells if nothing could be written."""
        check_file(self._path, overwrite=self._overwrite)
        code = super().work()
        assert isinstance(self._ground, RecordedGround)
        try:
            write(self._path, packed(self._ground.recording()), replace=self._overwrite)
        except FileExistsError:
            return self._failed("somebody made it meanwhile", code)
        except OSError as error:
            return self._failed(error.strerror or str(error), code)
        except RefusedError as problem:
            return self._failed(problem.message, code)
        self._add(f"recorded in {shown(self._path)}; replay: kubectl refused --recording {_word(self._path)}\n")
        return code

    def _failed(self, why: str, code: int) -> int:
        sys.stderr.write(f"error: {shown(self._path)} was not written: {why}\n")
        return code or NOT_WRITTEN


def check_file(path: str, *, overwrite: bool) -> None:
    """See that the file can be written, before anything is dialled. Raises UsageProblem."""
    try:
        why, instead = _obstacle(path, overwrite=overwrite)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why, instead = getattr(error, "strerror", None) or str(error), "name another file"
    if why:
        raise UsageProblem(f"{shown(path)} cannot be written: {why}", instead)


def _obstacle(path: str, *, overwrite: bool) -> tuple[str, str]:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return "it is a folder", "name a file in it"
    if os.path.lexists(path) and not overwrite:
        return "it exists", "name another file, or add --overwrite"
    if os.path.lexists(path) and not os.path.isfile(path):
        return "it is no file", "name another one"
    if not os.path.isdir(folder):
        return f"there is no folder {shown(folder)}", "make it, or name another file"
    writable = os.access(folder, os.W_OK | os.X_OK)
    return ("", "") if writable else (f"no right to write to the folder {shown(folder)}", "name another file")


def _word(path: str) -> str:
    return shlex.quote(path) if path.isprintable() else "FILE"
