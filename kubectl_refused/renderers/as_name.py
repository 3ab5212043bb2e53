"""`-o name`: one line per target for scripts: `svc/web:80 KR403/listens-on-loopback`.

Without a root cause the second word is the outcome: `svc/api:80 accepted`. A scan has a line for each Service, the
most broken first, with its namespace as the third word. Of an explanation come the Services that did not accept as
well, with what that was: `svc/web start-up shop`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from kubectl_refused.model.report import Diagnosis, Explanation, Report, Scan
from kubectl_refused.text import clean

from .base import Style
from .data import encodable


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write two words per diagnosis, in the order asked."""
    text = "".join(f"{' '.join(map(_word, words))}\n" for words in _lines(report))
    out.write(text if encodable(text, out.encoding) else text.encode("ascii", "backslashreplace").decode())


def _lines(report: Report) -> Iterator[tuple[str, ...]]:
    if isinstance(report, Scan):
        for row in report.rows:
            yield row.target, f"{row.code}/{row.name}" if row.code else row.outcome.value, row.namespace
        return
    if isinstance(report, Explanation):
        yield from dict.fromkeys((one.target, one.cause, one.namespace) for one in report.refusals)
        yield from ((target, "accepted") for target in report.works)
    for item in [report] if isinstance(report, Diagnosis) else report.items:
        yield item.target, _answer(item)


def _answer(diagnosis: Diagnosis) -> str:
    root = diagnosis.root
    return f"{root.code}/{root.name}" if root else diagnosis.outcome.value


def _word(text: str) -> str:
    """The text without white space, so that a line always has two words."""
    return "".join(clean(text).split()) or "-"
