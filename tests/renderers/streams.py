"""Streams that fail as a terminal's would, and what may be seen on one."""

from __future__ import annotations

import io
import re
import unicodedata

from rich.cells import cell_len

from kubectl_refused.model.report import Report
from kubectl_refused.renderers import Style, named

PLAIN = Style()
_OWN_COLOURS = re.compile(r"\x1b\[[0-9;]{1,9}m")
_STEERING = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def rendered(report: Report, style: Style = PLAIN, *, form: str = "terminal", encoding: str = "utf-8") -> str:
    """What a stream of this encoding holds after rendering; a character it cannot hold raises."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    named(form)(report, out, style)
    out.flush()
    return raw.getvalue().decode(encoding)


def uncoloured(text: str) -> str:
    """The text without the colours of our own."""
    return _OWN_COLOURS.sub("", text)


def steering(text: str) -> list[str]:
    """Every character that could act on a terminal, newlines apart; and tabs, which only commands keep."""
    acts = [c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    return acts + _STEERING.findall(text)


def too_long(text: str, width: int, *, but: str = "") -> list[str]:
    """The lines wider than `width`, those of the text `but` apart."""
    spared = {line.strip() for line in but.split("\n")}
    return [line for line in text.split("\n") if cell_len(line) > width and line.strip() not in spared]
