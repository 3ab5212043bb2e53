"""Text of others made harmless in Markdown as GitHub and GitLab show it.

A name may hold backticks, pipes, HTML, links, or mention people. Escapes deal with the first; what is linked after
Markdown is done (mentions, references, bare addresses) is cut in two by an empty comment, which shows nothing.
"""

from __future__ import annotations

from kubectl_refused.patterns import lazily

from .telling import line

# GitHub Flavored Markdown 6.1: any ASCII punctuation may be escaped; $ is GitHub's mathematics.
_PUNCTUATION = lazily(r"[\\`*_\[\]~|$]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CUT = "<!-- -->"
# What becomes a link by itself: @person, #1, GH-1, !1 and &1 of GitLab, https://…, www.…, the hash of a commit.
_LINKED = lazily(r"@|#|://|(?i:\bgh-|\bwww\.)|:(?=[a-z0-9_+-]+:)")
_HASH = lazily(r"\b[0-9a-f]{7}(?=[0-9a-f]{0,57}\b)")
_RUNS = lazily("`+")


def inline(text: str) -> str:
    """The text on one line, as itself, wherever in a line or a table it stands."""
    return in_html(_PUNCTUATION.sub(lambda found: "\\" + found[0], text))


def in_html(text: str) -> str:
    """The text on one line inside a line of HTML, where Markdown's escapes would show."""
    escaped = line(text)
    for character, entity in _ENTITIES.items():
        escaped = escaped.replace(character, entity)
    cut = _HASH.sub(lambda found: found[0] + _CUT, escaped)
    return _LINKED.sub(lambda found: found[0] + _CUT, cut) or "-"


def block(text: str, language: str = "") -> list[str]:
    """The text as a block of code, in a fence that it cannot close."""
    longest = max((len(run) for run in _RUNS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]
