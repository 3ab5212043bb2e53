"""Which lines of a log tell why a server does not serve. Pure; lines come cleaned and masked.

All patterns are bounded and lines are cut first, since a log is written by others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line

# Only this much of a line is looked at.
MOST_CHARACTERS = 400

# Most telling first. Words of nginx, Apache, HAProxy, Redis, MariaDB, PostgreSQL, OpenSSH, Go, Python, Node.js,
# the JVM, Rust and the C library (errno(3), strerror(3)); what they really print: tests/trace/program_logs.yaml.
_TELLING = tuple(
    lazily(pattern, re.IGNORECASE)
    for pattern in (
        r"address (?:already )?in use|\bEADDRINUSE\b|port \d{1,5} (?:was|is) already",
        r"\bbind\b.{0,80}(?:denied|failed|cannot|error)|\bEACCES\b|cannot assign requested address",
        r"^panic: |^caused by: |^exception in thread",
        # What in its configuration is wrong, before the lines that only say that something is.
        r"\b(?:unknown|unrecognized|bad|invalid) (?:configuration |command.line )?"
        r"(?:directive|keyword|variable|option|parameter|command)\b|could not resolve|not found in upstream",
        r"\bfatal\b(?! config| errors? found)|\[emerg\]|\[crit\]",
        r"^\w*(?:\.\w+)*(?:error|exception)\b ?:",
        r"no such file|not found|permission denied|not permitted|out of memory|is not set",
        r"\b(?:unable to|cannot|could not|can't|failed|invalid|refused|missing|required)\b",
        r"\berror\b|\berr\b|\bexception\b|\bpanic\b|level=(?:error|fatal)",
    )
)
_IN_USE = _TELLING[0]
_DENIED = lazily(r"\bpermission denied\b|\bEACCES\b|\bpermissionerror\b", re.IGNORECASE)
# EMFILE and ENFILE (errno(3), strerror(3)), and Python's, Node's and Go's words for them.
_NO_FILES = lazily(
    r"too many open files|\b(?:EMFILE|ENFILE)\b|\[Errno 2[34]\]|no file descriptors available", re.IGNORECASE
)
# How servers say that they turn a client away: by its address, by a limit, by what it did not send.
_AWAY = lazily(
    r"\b(?:denied|deny|not (?:allowed|permitted|authori[sz]ed)|reject\w*|refus\w*|forbidden|block\w*|blacklist\w*|"
    r"too many|limit|max\w* (?:connections|clients)|clos(?:ed|ing)|drop\w*|abort\w*|disconnect\w*|handshake|"
    r"proxy[ -]?protocol|reset)\b",
    re.IGNORECASE,
)
_BINDING = lazily(r"\b(?:\w*_)?(?:bind|listen)(?:ing|er|exception|_\w+)?\b|\bsocket\b", re.IGNORECASE)
# A colon and a number behind an address or a gap: `0.0.0.0:80`, `[::]:80`, ` :8080`, `:::3000`, `localhost:80`.
_PORT = lazily(
    r"(?:\blocalhost|(?<![A-Za-z_)])):(\d{1,5})(?!\d|:\d|\.\d)|\bport[ =:]{1,3}(\d{1,5})\b", re.IGNORECASE
)
# Numbers behind colons that are none: times of day, and places in source files (`main.go:57:12`).
_NO_PORT = lazily(r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?|\b[\w-]{1,60}\.[a-z]{1,5}:\d{1,6}(?::\d{1,6})?\b")
# Node.js prints an error's fields below it: they repeat it, without the port.
_FIELD = lazily(r"code: '\w{1,40}',?")
# MariaDB, PostgreSQL and memcached name the port only in the line after.
_GOES_ON = lazily(r"\banother (?:server|postmaster)\b|\bfailed to listen\b", re.IGNORECASE)
# A traceback names the call some lines before the error.
_BEFORE = 3


class BindFailure(Struct, frozen=True):
    """A line that says a bind failed, and the ports it names."""

    line: str
    ports: tuple[int, ...]


def telling_line(lines: Sequence[str]) -> str | None:
    """The line that tells most, of equals the last; where none tells, the last one; None for an empty log."""
    best: tuple[int, str] | None = None
    for cut in _cut(lines):
        rank = next((i for i, p in enumerate(_TELLING) if p.search(cut)), len(_TELLING))
        if cut and (best is None or rank <= best[0]):
            best = (rank, cut)
    return one_line(best[1]) if best else None


def address_in_use(lines: Sequence[str]) -> BindFailure | None:
    """The last line that says an address is in use already (EADDRINUSE)."""
    cut = _cut(lines)
    for index in range(len(cut) - 1, -1, -1):
        if _IN_USE.search(cut[index]):
            return BindFailure(one_line(cut[index]), _ports_of(cut, index))
    return None


def bind_denied(lines: Sequence[str]) -> BindFailure | None:
    """The last line that says a bind was not permitted (EACCES), with the call in it or just before it."""
    cut = _cut(lines)
    for index in range(len(cut) - 1, -1, -1):
        near = cut[max(0, index - _BEFORE) : index + 1]
        if _DENIED.search(cut[index]) and any(_BINDING.search(line) for line in near):
            return BindFailure(one_line(cut[index]), _ports_of(cut, index))
    return None


def out_of_files(lines: Sequence[str]) -> str | None:
    """The last line that says that no file descriptor is left."""
    cut = (line.strip()[:MOST_CHARACTERS] for line in reversed(lines))
    return next((one_line(line) for line in cut if _NO_FILES.search(line)), None)


def turned_away(lines: Sequence[str], client: str) -> str | None:
    """The line that says why a client is turned away: the last with its address, else the last that says so."""
    cut = [line.strip()[:MOST_CHARACTERS] for line in lines]
    mine = [line for line in cut if client and client in line]
    saying = [line for line in cut if _AWAY.search(line) or any(p.search(line) for p in _TELLING)]
    found = [line for line in mine if line in saying] or saying
    return one_line(found[-1]) if found else None


def _ports_of(cut: Sequence[str], index: int) -> tuple[int, ...]:
    """The ports of the line itself, else of the next one where that goes on about it."""
    ports, after = named_ports(cut[index]), cut[index + 1 : index + 2]
    return ports or next((named_ports(line) for line in after if _GOES_ON.search(line)), ())


def _cut(lines: Sequence[str]) -> list[str]:
    cut = (line.strip()[:MOST_CHARACTERS] for line in lines)
    return [line for line in cut if not _FIELD.fullmatch(line)]


def named_ports(line: str) -> tuple[int, ...]:
    """Port numbers that a line names as an address's or by the word port, each once."""
    found = (int(a or b) for a, b in _PORT.findall(_NO_PORT.sub(" ", line[:MOST_CHARACTERS])))
    return tuple(dict.fromkeys(p for p in found if 0 < p < 65536))
