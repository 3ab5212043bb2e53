"""`-o name`: one line per target for scripts: `svc/web:80 KR403/listens-on-loopback`.

Without a root cause the second word is the outcome: `svc/api:80 accepted`.
"""

from __future__ import annotations

from typing import TextIO

from kubectl_refused.model.report import Diagnosis, Report
from kubectl_refused.text import clean

from .base import Style
from .data import encodable


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write two words per diagnosis, in the order asked."""
    items = [report] if isinstance(report, Diagnosis) else report.items
    text = "".join(f"{_word(item.target)} {_answer(item)}\n" for item in items)
    out.write(text if encodable(text, out.encoding) else text.encode("ascii", "backslashreplace").decode())


def _answer(diagnosis: Diagnosis) -> str:
    root = diagnosis.root
    return f"{_word(root.code)}/{_word(root.name)}" if root else diagnosis.outcome.value


def _word(text: str) -> str:
    """The text without white space, so that a line always has two words."""
    return "".join(clean(text).split()) or "-"
