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
SMALL = 64 * 1024  # bytes; most answers are smaller
TOO_LATE = "the answer did not end in time"
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
    try:
        for piece in read_pieces(raw, deadline, cancel, gather=True):
            pieces.append(piece[: limit - size])
            size += len(piece)
            if size > limit:
                truncated = True
                break
    except transport_errors() as error:
        if time.monotonic() < deadline:
            raise
        raise TimeoutError(TOO_LATE) from error
    wire = raw.tell()
    if truncated:
        raw.close()
    headers = {name.lower(): value for name, value in raw.headers.items()}
    return Response(raw.status, raw.reason or "", headers, b"".join(pieces), truncated), wire


def read_pieces(raw: Any, deadline: float, cancel: Cancel, *, gather: bool = False) -> Iterator[bytes]:
    """Yield what has arrived; each wait is bounded by the socket's time-out, all of it by `deadline` (monotonic).

    `read1` returns after one recv, so a server that drips single bytes cannot keep us past the deadline. To
    `gather` whole pieces of a large body takes a third less time; an alarm ends such a read at the deadline, with
    an error of the transport.
    """
    finished, read, size, alarm = False, raw.read1, 0, None
    try:
        while piece := read(PIECE, decode_content=True):
            yield piece
            cancel.check()
            if time.monotonic() > deadline:
                raise TimeoutError(TOO_LATE)
            size += len(piece)
            if gather and alarm is None and size > SMALL:
                read, alarm = raw.read, _alarm(raw, deadline - time.monotonic())
        finished = True
    finally:
        if alarm is not None:
            alarm.cancel()
        if not finished:
            raw.close()  # the rest of the body is still in it: no other request may reuse it


def _alarm(raw: Any, seconds: float) -> threading.Timer:
    """Ends a read after so long: a socket's time-out starts anew with every piece, this does not."""
    alarm = threading.Timer(seconds, _end, (raw,))
    alarm.daemon = True
    alarm.start()
    return alarm


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
    alarm = _alarm(raw, seconds)
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
