"""`-o github`: the report for a GitHub Actions log, and an annotation for every fault.

The runner obeys any line that looks like a command, so what others have written is escaped: in the report above
as the terminal form does it, in the annotations as the toolkit does it (actions/toolkit, command.ts). Their own
way, ::stop-commands:: with a random word, would make every two logs differ.
"""

from __future__ import annotations

from typing import TextIO

from kubectl_refused.model.report import Report
from kubectl_refused.patterns import lazily

from . import as_terminal
from .base import Style
from .data import encodable
from .paths import Standing
from .places import place_of
from .telling import Told, line, refusals_of, tellings

MOST = 10  # annotations of one level in a step; GitHub drops the others
_LEGACY = lazily(r"##(?=\[)")


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write the report for people, then the annotations, the surest first."""
    as_terminal.render(report, out, style)
    made = [_annotation(one) for paths in tellings(report) for one in paths if not one.repeated]
    made += [("warning", f"::warning title=refused meanwhile::{_data(says)}") for says in refusals_of(report)]
    lines: list[str] = []
    for level in ("error", "warning"):
        mine = sorted({text for found, text in filter(None, made) if found == level})
        lines += mine[:MOST]
        if len(mine) > MOST:
            lines.append(f"{len(mine) - MOST} more of level {level} without an annotation")
    text = "".join(f"{entry}\n" for entry in lines)
    out.write(text if encodable(text, out.encoding) else text.encode("ascii", "backslashreplace").decode())


def _annotation(told: Told) -> tuple[str, str] | None:
    """Level and command, None for what works."""
    if told.standing not in (Standing.FAULT, Standing.OPEN):
        return None
    root = told.path.root
    level = "error" if told.standing is Standing.FAULT else "warning"
    place = place_of(told.diagnosis, root)
    where = {"file": place.uri, "line": str(place.line)} if place.real else {}
    title = " ".join(filter(None, (root.code if root else "", told.ends)))
    properties = ",".join(f"{key}={_property(value)}" for key, value in {**where, "title": title}.items())
    fix = f"Fix: {line(root.fix.summary)}" if root and root.fix else ""
    return level, f"::{level} {properties}::{_data(chr(10).join(filter(None, (told.sentence, fix))))}"


def _data(text: str) -> str:
    """A command's data; the older spelling of commands is obeyed anywhere in a line."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return _LEGACY.sub("## ", escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
