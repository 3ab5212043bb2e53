"""HTML from text of others: escaped here and nowhere else."""

from __future__ import annotations

import html

from kubectl_refused.patterns import lazily

from .telling import line, verbatim

# HTML, 13.2.3.5: noncharacters are parse errors; the rest of what does not show, clean() has removed.
_NO_CHARACTER = lazily("[\ufdd0-\ufdef\ufffe\uffff]")


def text(value: str, limit: int = 600) -> str:
    """One line as text of an element or value of a quoted attribute."""
    return escaped(line(value, limit))


def lines(value: str) -> str:
    """Text whose lines are kept, for <pre>."""
    return escaped(verbatim(value))


def escaped(value: str) -> str:
    """Cleaned text with every character that HTML reads as its own replaced."""
    return html.escape(_NO_CHARACTER.sub("", value))
