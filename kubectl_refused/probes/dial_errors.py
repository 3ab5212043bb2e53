"""What a Go program's text about a failed dial means: the API server's proxies and the runtimes speak it.
Pure.

Texts: net.OpError's Error ("dial tcp ADDRESS: connect: ERRNO TEXT") with Go's errno strings
(syscall/zerrors_linux), "i/o timeout" from poll.ErrDeadlineExceeded. A dial to localhost tries both families
and tells of both, in which case the worst word would mislead: 127.0.0.1 that refuses decides, ::1 without an
address does not.
"""

from __future__ import annotations

from kubectl_refused.model.observation import Outcome

_MEANINGS: tuple[tuple[str, Outcome], ...] = (
    ("connect: connection refused", Outcome.REFUSED),
    ("connection refused", Outcome.REFUSED),
    ("i/o timeout", Outcome.TIMEOUT),
    ("connect: connection timed out", Outcome.TIMEOUT),
    ("connect: no route to host", Outcome.UNREACHABLE),
    ("connect: host is unreachable", Outcome.UNREACHABLE),
    ("connect: network is unreachable", Outcome.UNREACHABLE),
    ("connect: operation not permitted", Outcome.DENIED),
    ("connect: permission denied", Outcome.DENIED),
)


def outcome_of(error: str) -> Outcome | None:
    """Return how the dial ended, None where the text tells of something else than a dial."""
    low = error.lower()
    return next((outcome for words, outcome in _MEANINGS if words in low), None)
