"""`-o json`: the report as data, by report.schema.json."""

from __future__ import annotations

from typing import TextIO

from kubectl_refused.model.report import Report

from .base import Style
from .data import as_text, fitting


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write indented JSON; where the stream cannot hold every character, all in ASCII escapes."""
    out.write(fitting(as_text(report), out.encoding) + "\n")
