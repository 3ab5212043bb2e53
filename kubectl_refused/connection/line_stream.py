"""A GET whose answer grows line by line: a watch, a followed log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kubectl_refused.connection import bodies
from kubectl_refused.connection.answers import Response, problem_of, unreachable

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

LARGEST_PROBLEM = 64 * 1024


def stream_lines(
    connection: Connection, path: str, query: list[tuple[str, str]], timeout: float
) -> Iterator[bytes]:
    """Yield lines until the server ends the answer or `timeout` seconds pass.

    Raises a ConnectionProblem when it is refused or breaks off, Cancelled when the run is cancelled. Nothing is
    compressed, as a compressor would hold lines back.
    """
    connection.cancel.check()
    request = connection.request_of("GET", path)
    try:
        raw = connection.sender.open("GET", path, query, compressed=False, idle=timeout)
        if not 200 <= raw.status < 300:
            body = b"".join(bodies.read_lines(raw, connection.limits.connect, connection.cancel))[:LARGEST_PROBLEM]
            raise problem_of(Response(raw.status, raw.reason or "", body=body), request)
        yield from bodies.read_lines(raw, timeout, connection.cancel)
    except bodies.transport_errors() as error:
        connection.cancel.check()
        raise unreachable(error, request) from error
