"""What a Go program's text about a failed dial means: the API server's proxies and the runtimes speak it. Pure.

Texts: net.OpError's Error ("dial tcp ADDRESS: connect: ERRNO TEXT") with Go's errno strings
(syscall/zerrors_linux), "i/o timeout" from poll.ErrDeadlineExceeded. containerd dials localhost in both families
and tells of both: "IPv4: dial tcp4 127.0.0.1:8081: connect: connection refused IPv6 dial tcp6: address localhost:
no suitable address found" (seen where the node's own localhost has no ::1; IPv6 was then not tried).
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
    # The handshake was done, and the reset came before Go looked.
    ("connect: connection reset by peer", Outcome.RESET),
)


def outcome_of(error: str) -> Outcome | None:
    """Return how the dial ended, None where the text tells of something else than a dial."""
    low = error.lower()
    return next((outcome for words, outcome in _MEANINGS if words in low), None)


def essence(error: str) -> str:
    """Return the part of a runtime's text that tells of the dial; what stands before names sandboxes."""
    for words in ("IPv4: dial", "dial tcp", "failed to connect"):
        if words in error:
            return error[error.index(words) :]
    return error
