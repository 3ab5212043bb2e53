"""Text from a cluster, made fit to show: control sequences removed, secrets masked, one line where one is
wanted.

Log lines, event messages, error texts and names are written by others. kubectl learnt it with CVE-2021-25743:
an escape sequence in an object reaches the terminal of whoever looks at it. Rich strips BEL, BS, VT, FF and
CR only, so everything is cleaned here, where it enters. All patterns are bounded, so that hostile text costs
linear time.
"""

from __future__ import annotations

import re
from functools import cache

from kubectl_refused.patterns import lazily

MASK = "***"

# ECMA-48: a control string (OSC, DCS, SOS, PM, APC) ends at ST, xterm also takes BEL; CSI ends at a final
# byte.
_STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\n\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
_ESCAPE = r"\x1b[ -/]*[0-~]"
_SEQUENCES = lazily(f"{_STRING}|{_CSI}|{_ESCAPE}")
# C0 but newline and tab, DEL, C1; soft hyphen, bidi controls, zero-width and annotation marks, tags;
# surrogates.
_INVISIBLE = lazily(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
# Python's splitlines and some terminals break lines here.
_LINE_SEPARATORS = lazily("[\u2028\u2029]")


def clean(text: str) -> str:
    """Return `text` without anything that steers a terminal or hides; newline and tab stay.

    An unfinished sequence loses its introducer only, so that nobody can make the rest of a line vanish.
    """
    if text.isprintable():  # which nothing of that is
        return text
    return _INVISIBLE.sub("", _LINE_SEPARATORS.sub(" ", _SEQUENCES.sub("", text)))


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` cleaned, with all white space folded, cut at `limit` characters with an ellipsis."""
    folded = " ".join(clean(text).split())
    return folded if len(folded) <= limit else f"{folded[: limit - 1].rstrip()}…"


_KEY = (
    r"(?:passw(?:or)?d|pwd|passphrase|secret|token|credential|session[_-]?id"
    r"|(?:api|access|private|account|encryption|signing)[_-]?key)"
)
# A value may be cut off before its closing quote.
_END = r"(?=\n)|\Z"
_DOUBLE = rf"\"(?:[^\"\\\n]|\\[^\n])*(?:\"|{_END})"
_ESCAPED = rf"\\{{1,3}}\"[^\"\n]*(?:\"|{_END})"  # JSON in a JSON string
_SINGLE = rf"'[^'\n]*(?:'|{_END})"
_VALUE = rf"(?:{_DOUBLE}|{_ESCAPED}|{_SINGLE}|[^\s,;&\"'}})\]]+)"

_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY-----"
_OF_HEADER = r"\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?)[^\"'\\\n]+"
_USER = r"[a-z][a-z0-9+.-]{0,30}://[^\s/:@\[]{0,200}"


@cache
def _masks() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of secrets and what replaces each; compiled when first needed, as most runs read no log."""
    return (
        (re.compile(rf"-----BEGIN {_PEM}.*?(?:-----END {_PEM}|\Z)", re.S), MASK),
        # A log's tail may begin in the middle of a key: lines of base64 and the end mark.
        (re.compile(rf"(?:^[A-Za-z0-9+/=]{{16,76}}\n){{1,200}}-----END {_PEM}", re.M), MASK),
        (re.compile(r"(?i)(\b(?:proxy-)?authorization" + _OF_HEADER), rf"\1{MASK}"),
        (re.compile(r"(?i)(\b(?:set-)?cookie" + _OF_HEADER), rf"\1{MASK}"),
        (re.compile(r"(?i)\b(bearer\s{1,3})(?=\S{0,200}[0-9]|\S{20})[A-Za-z0-9._~+/=-]{6,}"), rf"\1{MASK}"),
        (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,3}"), MASK),
        # A number before a slash is a port, not a password: http://web:8080/a@b stays.
        (re.compile(rf"(?i)\b({_USER}:)(?!\d{{1,5}}(?:[/\s]|$))[^\s\"'<>]{{1,500}}@"), rf"\1{MASK}@"),
        (re.compile(rf"(?i)({_KEY}[\w.-]{{0,40}}\\{{0,3}}[\"']?\s{{0,3}}[:=]\s{{0,3}}){_VALUE}"), rf"\1{MASK}"),
        (re.compile(rf"(?i)(--?[\w-]{{0,40}}{_KEY}[\w-]{{0,40}}[ \t]{{1,3}})(?!-){_VALUE}"), rf"\1{MASK}"),
        (re.compile(r"\b(?:AKIA|ASIA|AROA)[A-Z0-9]{16}\b"), MASK),
        (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|AIza|hf_)[A-Za-z0-9_-]{16,}"), MASK),
    )  # fmt: skip


def mask(text: str) -> str:
    """Return `text` with what looks like a secret replaced by ***; keys and user names stay readable.

    Covers authorization and cookie headers, bearer tokens, JWTs, passwords in URLs and behind telling keys,
    well-known token prefixes and PEM private keys. Rather masks too much than too little.
    """
    for pattern, replacement in _masks():
        text = pattern.sub(replacement, text)
    return text
