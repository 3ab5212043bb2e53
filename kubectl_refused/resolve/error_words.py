"""How programs say that a connection failed: the words of errno(3), and of many languages' own. Pure.

All patterns are bounded: the text is written by others.
"""

from __future__ import annotations

from typing import Literal

from kubectl_refused.patterns import lazily

How = Literal["no such host", "refused", "no route", "reset", "timed out", "failed"]

# Most telling first, in small letters. Go, Python, Node.js, the JVM, .NET, Ruby, Rust, libpq, MySQL, curl, nginx,
# Redis and browsers have words of their own.
_TOLD: tuple[tuple[How, str], ...] = (
    (
        "no such host",
        r"no such host|\benotfound\b|\beai_again\b|name or service not known|(?:could not|couldn't) resolve"
        r"|nodename nor servname|unknownhostexception|failure in name resolution|nameresolutionerror"
        r"|failed to resolve|name does not resolve|bad address '|host not found in upstream|getaddrinfo failed"
        r"|could not translate host name|err_name_not_resolved",
    ),
    (
        "refused",
        r"connection ?refused|\beconnrefused\b|actively refused|connect call failed|connection_refused"
        r"|(?:errno|os error|error:?) \(?111\b|\(111[:)]|connection to \S{1,260} refused"
        r"|couldn't connect to server|could not connect to server",
    ),
    (
        "no route",
        r"no route to host|\behostunreach\b|\benetunreach\b|network is unreachable|host is unreachable"
        r"|noroutetohost|(?:errno|os error) 11[13]\b|err_address_unreachable|\((?:101|113)[:)]",
    ),
    ("reset", r"connection reset|\beconnreset\b|connectionreset|connection_reset"),
    (
        "timed out",
        r"i/o timeout|time[d]? ?out|\betimedout\b|deadline exceeded|connection_timed_out|connecttimeout"
        r"|(?:errno|os error) 110\b|\(11[05][:)]",
    ),
    (
        "failed",
        r"(?:can't|cannot|couldn't|could not|unable to|failed to) (?:connect|open tcp connection|establish)"
        r"|connection (?:failed|failure|error)|no live upstreams"
        r"|no endpoints available|could not be established|connect error",
    ),
)
_HOW = tuple((how, lazily(pattern)) for how, pattern in _TOLD)
# Each match above holds one of these: most lines have none, and are looked at no further.
NEEDLES = tuple(
    word.encode()
    for word in (
        "no such host", "enotfound", "eai_again", "not known", "not resolve", "n't resolve", "nodename",
        "unknownhost", "resolution", "to resolve", "bad address", "host not found", "getaddrinfo", "host name",
        "refused", "connect call", "errno 11", "os error 11", "error 111", "error: 111", "error (111",
        "(111", "(110", "(115", "(101", "(113",
        "to server", "no route", "unreach", "noroute", "timed", "_not_resolved",
        "timeout", "time out", "deadline", "live upstreams", "endpoints available", "establish", "econnre",
        "refus", "connection reset",
        "connectionreset", "connection_reset", "to connect", "not connect", "n't connect", "connection fail",
        "connection err", "connect error", "open tcp connection",
    )
)  # fmt: skip


def may_tell(line: bytes) -> bool:
    """Whether a line, in small letters, may tell of a failure: a quick look that never misses one."""
    return any(needle in line for needle in NEEDLES)


def how_it_failed(line: str) -> How | None:
    """How a connection failed by what the line says; None where it tells of none."""
    small = line.lower()
    return next((how for how, pattern in _HOW if pattern.search(small)), None)
