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
    from kubectl_refused.causes import catalogue

    if not words:
        raise UsageProblem("no cause is named", "type a code or a name from: kubectl refused causes")
    pages = [_page(word, _find(word, catalogue())) for word in words]
    sys.stdout.write("\n".join(pages))
    return 0


def _find(word: str, causes: Sequence[Cause]) -> Cause:
    """The cause of that code or name, in any case, with dashes or underscores. Raises UsageProblem."""
    wanted = word.lower().replace("_", "-")
    for cause in causes:
        if wanted in _names(cause):
            return cause
    import difflib  # on the way to an error only

    known = [name for cause in causes for name in _names(cause)]
    near = difflib.get_close_matches(wanted[:100], known, n=1)
    instead = f"did you mean {near[0]}?" if near else "see: kubectl refused causes"
    raise UsageProblem(f"there is no cause {shown(word)}", instead)


def _names(cause: Cause) -> tuple[str, ...]:
    return (*(code.lower() for code in cause.codes), cause.slug)


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
