"""The manual page of a cause in the forms that reports carry: plain, Markdown, and the first link in it."""

from __future__ import annotations

import inspect
from typing import NamedTuple

from kubectl_refused.patterns import lazily

_HEADING = lazily(r"^([A-Z][A-Za-z ]+):$")
_LINK = lazily(r"https://\S+")


class Manual(NamedTuple):
    """A manual page. `link` is the first of its See, empty where it names none."""

    title: str
    text: str
    markdown: str
    link: str


def manual(code: str) -> Manual | None:
    """The page of a cause, None for a code that this version does not know."""
    from kubectl_refused.causes import catalogue

    found = next((cause for cause in catalogue() if cause.code == code), None)
    if found is None:
        return None
    text = inspect.cleandoc(found.manual)
    link = _LINK.search(text.partition("\nSee:")[2])
    return Manual(found.title, text, _markdown(text), link[0] if link else "")


def _markdown(page: str) -> str:
    """Headings in bold, commands as code, the rest as it is: the pages are our own."""
    lines: list[str] = []
    part = ""
    for line in page.splitlines():
        heading = _HEADING.match(line)
        part = heading[1] if heading else part
        if heading:
            lines += ["", f"**{heading[1]}**", ""]
        elif part == "Confirm" and line.strip():
            lines.append("    " + line.strip())
        elif part == "See" and line.strip():
            lines.append(f"- {line.strip()}")
        else:
            lines.append(line.strip())
    return "\n".join(lines).strip()
