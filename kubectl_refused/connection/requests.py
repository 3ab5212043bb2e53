"""Send one request with its limits, its few retries and its count."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kubectl_refused.connection import bodies
from kubectl_refused.connection.answers import Response, unreachable

if TYPE_CHECKING:
    from urllib3 import HTTPHeaderDict

    from kubectl_refused.connection.client import Connection

MOST_TRIES = 3
LONGEST_RETRY_AFTER = 5.0  # seconds; a server that asks for more gets no second try, and the person an answer


class Limits(Struct, frozen=True):
    """Seconds: `connect` for TCP and TLS, `idle` between two pieces of an answer, `total` for a request."""

    connect: float = 10.0
    idle: float = 30.0
    total: float = 120.0

    @classmethod
    def of(cls, timeout: float | None) -> Limits:
        """Return the limits for --request-timeout; None keeps ours, as a diagnosis must end."""
        if timeout is None:
            return cls()
        return cls(connect=min(cls().connect, timeout), idle=timeout, total=timeout)


class Sender:
    """Sends for one Connection and counts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._counting = threading.Lock()
        self.requests_made = 0
        self.bytes_read = 0

    def send(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]] = (),
        *,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "",
        limit: int = bodies.LARGEST,
    ) -> Response:
        """Return the answer whatever its status. Raises Unreachable or Cancelled.

        A GET is tried again once when a kept-alive connection was dropped; 429 (and 5xx to a GET) with a
        Retry-After of 5 s at most is honoured, three tries in all: the server refused before it did anything.
        401 renews once.
        """
        connection, query = self._connection, list(query)
        dropped = renewed = False
        deadline = time.monotonic() + connection.limits.total
        for attempt in range(MOST_TRIES + 2):
            connection.cancel.check()
            try:
                raw = self.open(method, path, query, body=body, content_type=content_type, accept=accept)
                response, wire = bodies.read_all(raw, deadline, connection.cancel, limit)
            except bodies.transport_errors() as error:
                connection.cancel.check()
                if method == "GET" and not dropped and bodies.was_dropped(error):
                    dropped = True
                    continue
                raise unreachable(error, connection.request_of(method, path)) from error
            self._count(0, wire)
            if response.status == 401 and not renewed and response.api_status():
                renewed = True
                if connection.renew_credentials():
                    continue
            pause = retry_after(response, method)
            if pause is None or attempt + 1 >= MOST_TRIES or time.monotonic() + pause > deadline:
                return response
            connection.cancel.wait(pause)
        return response

    def open(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        *,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "",
        compressed: bool = True,
        idle: float | None = None,
    ) -> Any:
        """Send and return urllib3's response with its body unread. Raises urllib3's errors.

        No redirect is followed: it would take our credentials elsewhere, or come from an application.
        """
        from urllib3 import Timeout

        limits, transport = self._connection.limits, self._connection.transport
        url, headers = self.prepare(path, query)
        if body is not None:
            headers["Content-Type"] = content_type
        if accept:
            headers["Accept"] = accept
        if compressed:
            # Without it the server never compresses: 292 MB of pods instead of 17 were measured.
            plain = self._connection.config.cluster.get("disable-compression")
            headers["Accept-Encoding"] = "identity" if plain else "gzip"
        self._count(1, 0)
        return transport.pools.request(
            method,
            url,
            headers=headers,
            body=None if body is None else msgspec.json.encode(body),
            timeout=Timeout(connect=limits.connect, read=idle or limits.idle),
            retries=False,  # no silent reconnects: the caller decides, per verb
            redirect=False,
            preload_content=False,
        )

    def prepare(self, path: str, query: Iterable[tuple[str, str]]) -> tuple[str, HTTPHeaderDict]:
        """Return the URL, and the headers with credentials and impersonation, for requests and streams.

        urllib3's HTTPHeaderDict, as Impersonate-Group comes once for each group.
        """
        from urllib3 import HTTPHeaderDict

        transport = self._connection.transport
        # With JSON alone logs, proxies and streams answer 406; the rest prefer the first.
        headers = HTTPHeaderDict([("Accept", "application/json, */*")])
        for name, value in transport.headers:
            headers.add(name, value)
        asked = "&".join(f"{name}={quote(value)}" for name, value in query)
        return f"{transport.server}{path}{'?' if asked else ''}{asked}", headers

    def opened(self) -> None:
        """Count a stream's handshake as a request."""
        self._count(1, 0)

    def _count(self, requests: int, read: int) -> None:
        with self._counting:
            self.requests_made += requests
            self.bytes_read += read


def retry_after(response: Response, method: str) -> float | None:
    """Return how long to wait before trying again, None when it should not be."""
    retriable = response.status == 429 or (method == "GET" and response.status >= 500)
    wanted = wanted_pause(response)
    return wanted if retriable and wanted is not None and wanted <= LONGEST_RETRY_AFTER else None


def wanted_pause(response: Response) -> float | None:
    """Return the seconds of its Retry-After, one for a 429 without it, None where it names none."""
    wanted = response.headers.get("retry-after", "") or ("1" if response.status == 429 else "")
    return float(wanted) if wanted.isascii() and wanted.isdigit() else None
