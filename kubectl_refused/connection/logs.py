"""Read what a container wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kubectl_refused.connection.line_stream import stream_lines

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

LARGEST_LOG = 256 * 1024  # bytes asked of the server


def read_log(
    connection: Connection, namespace: str, pod: str, container: str, previous: bool = False, tail: int = 50
) -> str:
    """Return the last `tail` lines, of the container's previous life if asked.

    Untrusted text: control sequences are still in it. Raises ApiProblem 400 when the container has not started.
    """
    query = [("container", container), ("tailLines", str(tail)), ("limitBytes", str(LARGEST_LOG))]
    query += [("previous", "true")] if previous else []
    return connection.get_bytes(_path(namespace, pod), query).decode(errors="replace")


def follow_log(
    connection: Connection, namespace: str, pod: str, container: str, timeout: float
) -> Iterator[bytes]:
    """Yield the log's lines from its beginning, until the container ends or `timeout` seconds pass."""
    query = [("container", container), ("follow", "true")]
    yield from stream_lines(connection, _path(namespace, pod), query, timeout)


def _path(namespace: str, pod: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
