"""`kubectl refused causes`: every cause that can be found, with its code, name and first line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import Option

if TYPE_CHECKING:
    from kubectl_refused.causes import Cause

_CHOICES = ("json", "name", "wide")
_OUTPUT = Option(
    "--output",
    "json for data, name for names only, wide also for how each is proven and where its test runs",
    "|".join(_CHOICES),
    "-o",
    choices=_CHOICES,
    completes="choices",
)
_KEYS = ("code", "name", "title", "hop", "provenBy", "test", "also")


def _run(words: Sequence[str], values: Values) -> int:
    from kubectl_refused.causes import catalogue
    from kubectl_refused.errors import UsageProblem, shown

    output = values["output"] or ""
    if output not in ("", *_OUTPUT.choices):
        raise UsageProblem(f"--output {shown(output)} is not known", f"type --output {' or '.join(_CHOICES)}")
    if output == "name":
        sys.stdout.write("".join(f"{cause.slug}\n" for cause in catalogue()))
    elif output == "json":
        sys.stdout.write(_as_json(catalogue()))
    else:
        sys.stdout.write(_as_table(catalogue(), wide=output == "wide"))
    return 0


def _as_json(causes: Sequence[Cause]) -> str:
    import json

    from kubectl_refused.causes.proofs import made_live, proven_by

    live = made_live()
    rows = [(c.code, c.slug, c.title, c.hop, proven_by(c), _where(c.slug in live), c.also) for c in causes]
    return json.dumps([dict(zip(_KEYS, row, strict=True)) for row in rows], indent=2) + "\n"


def _as_table(causes: Sequence[Cause], *, wide: bool) -> str:
    width = max((len(cause.slug) for cause in causes), default=0)
    lines = [(cause, f"{cause.code}  {cause.slug:{width}}  {cause.title}\n") for cause in causes]
    if not wide:
        return "".join(line for _, line in lines)
    from kubectl_refused.causes.proofs import made_live

    live = made_live()
    more = " " * len("KR101  ")
    return "".join(
        f"{line}{more}{_where(cause.slug in live):{width}}  proven by {_witnesses(cause)}\n"
        for cause, line in lines
    )


def _witnesses(cause: Cause) -> str:
    from kubectl_refused.causes.proofs import proven_by

    return ", ".join(proven_by(cause)) + (f"; also {', '.join(cause.also)}" if cause.also else "")


def _where(live: bool) -> str:
    return "live" if live else "recorded"


COMMAND = Command("causes", "List every cause that can be found: code, name and what it is.", "", (_OUTPUT,), _run)
