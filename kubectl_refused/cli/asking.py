"""Ask a person on the terminal. Nobody else reads standard input in a diagnosis of a cluster."""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO

from kubectl_refused.connection.cancel import Cancel

NAP = 0.1  # seconds between two looks at the cancel flag
AGREED = ("y", "yes")


def may_ask(talk: TextIO) -> bool:
    """Whether a person reads `talk` and can answer."""
    return bool(sys.stdin and sys.stdin.isatty() and talk.isatty())


def agreed(question: str, talk: TextIO, cancel: Cancel) -> bool:
    """Whether the answer is y or yes; anything else, the end of input and an empty line are no.

    Raises Cancelled when the run is interrupted at the question.
    """
    talk.write(f"{question} [y/N] ")
    talk.flush()
    if os.name == "posix":  # elsewhere select takes sockets only, and the process leaves while we read
        while not select.select([sys.stdin], [], [], NAP)[0]:
            cancel.check()
    answer = sys.stdin.readline()
    cancel.check()
    if not answer.endswith("\n"):
        talk.write("\n")
    return answer.strip().lower() in AGREED
