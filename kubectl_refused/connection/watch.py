"""Watch a list for a while."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from kubectl_refused.connection.errors import ApiProblem
from kubectl_refused.connection.line_stream import stream_lines
from kubectl_refused.decoders import decoded

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Failure(msgspec.Struct):
    code: int = 0
    reason: str | None = None
    message: str | None = None


def watch(
    connection: Connection, path: str, query: Iterable[tuple[str, str]], timeout: float
) -> Iterator[tuple[str, msgspec.Raw]]:
    """Yield (ADDED|MODIFIED|DELETED, object) until `timeout` seconds pass or the server ends the watch.

    Without a resourceVersion in `query` it begins with ADDED for all that exists. Never resumed: who needs
    longer watches again. Raises ApiProblem for an ERROR event, such as 410 for an old resourceVersion.
    """
    asked = [*query, ("watch", "true"), ("timeoutSeconds", str(max(1, math.ceil(timeout))))]
    for line in stream_lines(connection, path, asked, timeout):
        if not line.strip():
            continue
        try:
            event = decoded(line, _Event)
            failure = decoded(event.object, _Failure) if event.type == "ERROR" else None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiProblem(200, "BadAnswer", f"{path} sent an event that is not JSON: {error}") from error
        if failure is not None:
            raise ApiProblem(failure.code, failure.reason or "Error", failure.message or "")
        if event.type != "BOOKMARK":  # tells how far the watch is, and of no object
            yield event.type, event.object
