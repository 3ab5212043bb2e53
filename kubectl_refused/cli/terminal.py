"""What the terminal can do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from kubectl_refused.renderers import Style


def style_of(out: TextIO, *, wide: bool, environ: Mapping[str, str] = os.environ) -> Style:
    """Width and colour for `out`: colour as kubectl and no-color.org have it, width 80 where none is known."""
    import shutil  # brings every way to pack files

    from kubectl_refused.renderers import Style  # brings msgspec, which --help can do without

    colour = out.isatty() and environ.get("TERM") != "dumb" and not environ.get("NO_COLOR")
    width = shutil.get_terminal_size(fallback=(80, 24)).columns
    return Style(width=width, colour=colour, wide=wide)


@contextmanager
def steps(errors: TextIO) -> Iterator[Callable[[str], None]]:
    """Give a function that names the running step: shown on a terminal, and nowhere else."""
    if not errors.isatty():
        yield lambda step: None
        return
    from kubectl_refused.renderers.spinner import Steps

    with Steps(errors) as spinner, ExitStack() as running:

        def say(step: str) -> None:
            running.close()
            running.enter_context(spinner.step(step))

        yield say
