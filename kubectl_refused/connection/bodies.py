"""Read bodies in pieces, within a deadline, a size and the cancel flag."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from kubectl_refused.connection.answers import Response
from kubectl_refused.connection.cancel import Cancel, end_socket

LARGEST = 512 * 1024 * 1024  # bytes; the largest honest page of 500 objects of 1 MB
PIECE = 256 * 1024
LONGEST_LINE = 16 * 1024 * 1024  # a watch event is one line, an object of 1.5 MB at most


def transport_errors() -> tuple[type[BaseException], ...]:
    """Return what a request may raise besides our own errors (imported late, as urllib3 takes 70 ms)."""
    from urllib3.exceptions import HTTPError

    return (HTTPError, OSError, ValueError)


def was_dropped(error: BaseException) -> bool:
    """Return whether the server closed a connection on us.

    Worth one more try when nothing can have been changed.
    """
    from urllib3.exceptions import ProtocolError

    return isinstance(error, (ProtocolError, ConnectionResetError, BrokenPipeError))


def read_all(raw: Any, deadline: float, cancel: Cancel, limit: int) -> tuple[Response, int]:
    """Return the whole answer (cut at `limit` bytes) and how many body bytes came over the wire."""
    pieces: list[bytes] = []
    size, truncated = 0, False
    for piece in read_pieces(raw, deadline, cancel):
        pieces.append(piece[: limit - size])
        size += len(piece)
        if size > limit:
            truncated = True
            break
    wire = raw.tell()
    if truncated:
        raw.close()
    headers = {name.lower(): value for name, value in raw.headers.items()}
    return Response(raw.status, raw.reason or "", headers, b"".join(pieces), truncated), wire


def read_pieces(raw: Any, deadline: float, cancel: Cancel) -> Iterator[bytes]:
    """Yield what has arrived; each wait is bounded by the socket's time-out, all of it by `deadline` (monotonic).

    `read1` returns after one recv, so a server that drips single bytes cannot keep us past the deadline.
    """
    finished = False
    try:
        while piece := raw.read1(PIECE, decode_content=True):
            yield piece
            cancel.check()
            if time.monotonic() > deadline:
                raise TimeoutError("the answer did not end in time")
        finished = True
    finally:
        if not finished:
            raw.close()  # the rest of the body is still in it: no other request may reuse it


def _end(raw: Any) -> None:
    """End what is still read. Where the server ended it in the same moment its connection is given back already.

    Not by `raw.shutdown`: of TLS that has the reader go on without TLS (`end_socket` tells more).
    """
    connection = raw.connection
    if connection is not None:
        end_socket(connection.sock)


def read_lines(raw: Any, seconds: float, cancel: Cancel) -> Iterator[bytes]:
    """Yield lines (without their end) as they come, until the server ends or `seconds` have passed."""
    end = time.monotonic() + seconds
    # Ends a read that waits: a socket's time-out starts anew with every piece, this does not.
    alarm = threading.Timer(seconds, _end, (raw,))
    alarm.daemon = True
    alarm.start()
    rest = b""
    try:
        for piece in read_pieces(raw, end, cancel):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > LONGEST_LINE:
                raise ValueError("a line is too long")
        if rest:
            yield rest
    except transport_errors():
        cancel.check()
        if time.monotonic() < end:
            raise
    finally:
        alarm.cancel()
        raw.close()
