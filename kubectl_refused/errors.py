"""The root of the exception tree: every error that a person brought about, as one line and an exit code.

The connection layer has a tree of its own (connection/errors.py); cli/run.py maps it to exit code 4.
"""

from __future__ import annotations

MOST_SHOWN = 100  # characters of somebody's input that an error message repeats


class RefusedError(Exception):
    """A known problem. `message` is one line: what was wrong; what to type instead."""

    exit_code = 70

    def __init__(self, says: str, instead: str = "") -> None:
        self.message = says + (f"; {instead}" if instead else "")
        super().__init__(self.message)


class UsageProblem(RefusedError):
    """The command line is wrong."""

    exit_code = 2


class ManifestProblem(RefusedError):
    """A file given with -f is missing, unreadable or no manifest; `says` starts with file:line."""

    exit_code = 2


class RecordingProblem(RefusedError):
    """A file given with --recording is missing, unreadable or no recording; `says` starts with the file."""

    exit_code = 2


def shown(text: str) -> str:
    """`text` made fit for one line of a message: unprintable characters escaped, cut at MOST_SHOWN.

    Bytes of the command line that are no UTF-8 arrive as lone surrogates (PEP 383) and are escaped too.
    """
    cut = text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
