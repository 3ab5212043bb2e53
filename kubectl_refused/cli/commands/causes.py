"""`kubectl refused causes`: every cause that can be found, with its code, name and first line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import Option

_OUTPUT = Option("--output", "json for data", "json|name", "-o", choices=("json", "name"), completes="choices")


def _run(words: Sequence[str], values: Values) -> int:
    from kubectl_refused.causes import catalogue
    from kubectl_refused.errors import UsageProblem, shown

    output = values["output"] or ""
    if output not in ("", *_OUTPUT.choices):
        raise UsageProblem(f"--output {shown(output)} is not known", "type --output json or --output name")
    rows = [(cause.code, cause.slug, cause.title) for cause in catalogue()]
    sys.stdout.write(_as_json(rows) if output == "json" else _as_table(rows, names_only=output == "name"))
    return 0


def _as_json(rows: list[tuple[str, str, str]]) -> str:
    import json

    return json.dumps([dict(zip(("code", "name", "title"), row, strict=True)) for row in rows], indent=2) + "\n"


def _as_table(rows: list[tuple[str, str, str]], *, names_only: bool) -> str:
    if names_only:
        return "".join(f"{name}\n" for _, name, _ in rows)
    width = max((len(name) for _, name, _ in rows), default=0)
    return "".join(f"{code}  {name:{width}}  {title}\n" for code, name, title in rows)


COMMAND = Command("causes", "List every cause that can be found: code, name and what it is.", "", (_OUTPUT,), _run)
