"""`kubectl refused explain KR403`: the manual page of a cause, which is its file's docstring."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.errors import UsageProblem, shown

if TYPE_CHECKING:
    from kubectl_refused.causes import Cause


def _run(words: Sequence[str], values: Values) -> int:
    if not words:
        raise UsageProblem("no cause is named", "type a code or a name from: kubectl refused causes")
    pages = [_page(word, _find(word)) for word in words]
    sys.stdout.write("\n".join(pages))
    return 0


def _find(word: str) -> Cause:
    """The cause of that code or name, in any case, with dashes or underscores. Raises UsageProblem."""
    from kubectl_refused.causes.names import cause_called, instead_of

    found = cause_called(word)
    if found is None:
        raise UsageProblem(f"there is no cause {shown(word)}", instead_of(word))
    return found


def _page(word: str, cause: Cause) -> str:
    """The manual; of a code that another cause covers as well, that one's."""
    part = word.upper() if word.upper() in cause.also else ""
    told = f"{part} is part of {cause.code}\n\n" if part else ""
    return f"{told}{cause.code} {cause.slug}\n\n{inspect.cleandoc(cause.manual)}\n"


COMMAND = Command(
    "explain",
    "Print the manual page of a cause: why it refuses, how to confirm it, how to mend it.",
    "CODE|NAME",
    (),
    _run,
)
