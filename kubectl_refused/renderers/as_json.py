"""`-o json`: the report as data, by report.schema.json."""

from __future__ import annotations

import re
from typing import TextIO

from kubectl_refused.model.report import Report

from .base import Style
from .data import as_text, encodable, escaped

_NOT_ASCII = re.compile("[^\x00-\x7f]")


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write indented JSON; where the stream cannot hold every character, all in ASCII escapes."""
    text = as_text(report)
    if not encodable(text, out.encoding):
        text = _NOT_ASCII.sub(escaped, text)
    out.write(text + "\n")
