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


class _At(msgspec.Struct):
    version: str = msgspec.field(name="resourceVersion", default="")


class _Placed(msgspec.Struct):
    metadata: _At = msgspec.field(default_factory=_At)


def watch(
    connection: Connection,
    path: str,
    query: Iterable[tuple[str, str]],
    timeout: float,
    *,
    bookmarks: bool = False,
) -> Iterator[tuple[str, msgspec.Raw]]:
    """Yield (ADDED|MODIFIED|DELETED, object) until `timeout` seconds pass or the server ends the watch.

    Without a resourceVersion in `query` it begins with ADDED for all that exists. Never resumed: who needs
    longer watches again, from the `version_of` the last event; with `bookmarks` there are BOOKMARK events too,
    which tell that version of where nothing changes. Raises ApiProblem for an ERROR event, such as 410 for an old
    resourceVersion. See https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks
    """
    asked = [*query, ("watch", "true"), ("timeoutSeconds", str(max(1, math.ceil(timeout))))]
    if bookmarks:
        asked.append(("allowWatchBookmarks", "true"))
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
        if bookmarks or event.type != "BOOKMARK":
            yield event.type, event.object


def version_of(event: msgspec.Raw) -> str:
    """The resourceVersion in an event's object, empty where there is none."""
    try:
        return decoded(event, _Placed).metadata.version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
