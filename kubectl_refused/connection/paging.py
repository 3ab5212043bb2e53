"""Read a list of any length, page by page, from a server that need not stay well meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Unreachable
from kubectl_refused.connection.requests import wanted_pause

if TYPE_CHECKING:
    from kubectl_refused.connection.answers import Response
    from kubectl_refused.connection.client import Connection

T = TypeVar("T")
Query = Iterable[tuple[str, str]]
MOST_PAGES = 10_000
TOO_MANY = 429  # no seat for us now (API Priority and Fairness), after the tries that the sender makes by itself
LONGEST_WANTED = 32.0  # seconds; the longest Retry-After of an API server (its dropped_requests_tracker.go)
PATIENCE = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds; an API server that restarts is back within ten


class Page(msgspec.Struct, frozen=True):
    """Some undecoded items, so that one odd object does not fail a page, and the list's resourceVersion.

    Where the page was read whole its `objects` stand there instead.
    """

    items: list[msgspec.Raw]
    version: str = ""
    objects: Sequence[Any] = ()

    def __len__(self) -> int:
        return len(self.items) + len(self.objects)


class ListMeta(msgspec.Struct):
    """metadata of a list."""

    continue_: str | None = msgspec.field(name="continue", default=None)
    version: str | None = msgspec.field(name="resourceVersion", default=None)


class ListOf(msgspec.Struct, Generic[T]):
    """The body of a page whose items are of one type."""

    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    items: list[T] | None = None


_Page = ListOf[msgspec.Raw]
Whole = Callable[[bytes], ListOf[Any] | None]  # a page decoded at once; None where its items must be by themselves


def pages(
    connection: Connection,
    path: str,
    query: Query = (),
    page_size: int = 500,
    *,
    ahead: bool = False,
    whole: Whole | None = None,
) -> Iterator[Page]:
    """Yield pages; `ahead` fetches the next one while the reader works on the last, for who wants them all.
    `whole` is tried on each page before its items are left undecoded.

    When a continue token expires (410, after some 5 minutes) the server's replacement token is used: no item
    comes twice, but the list is no longer of one moment. Without one the list restarts, once, and **items come
    again**: key them by namespace and name. See
    https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
    """
    base = [*query, ("limit", str(page_size))]

    def fetch(token: str) -> Response:
        if not token:
            return connection.sender.send("GET", path, base)
        return _patiently(connection, path, [*base, ("continue", token)])

    token, restarts, response = "", 0, fetch("")
    for _ in range(MOST_PAGES):
        if response.status == 410 and token and restarts == 0:
            restarts += 1
            status = response.api_status()
            token = (status.metadata.continue_ if status and status.metadata else None) or ""
            response = fetch(token)
            continue
        body = connection.success(response, "GET", path)
        typed = whole(body) if whole else None
        page = typed or connection.understood(response, path, _Page)
        token = page.metadata.continue_ or ""
        del body  # megabytes, while the reader works
        coming = _begun(fetch, token) if token and ahead else None
        yield Page(
            [] if typed else page.items or [], page.metadata.version or "", typed.items or () if typed else ()
        )
        if not token:
            return
        response = coming() if coming else fetch(token)
    raise ApiProblem(200, "TooManyPages", f"{path} has more than {MOST_PAGES} pages")


def _patiently(connection: Connection, path: str, query: Query) -> Response:
    """A page after the first: what was read is worth waiting for a server that restarts or is overwhelmed."""
    for pause in PATIENCE:
        wanted = 0.0
        try:
            response = connection.sender.send("GET", path, query)
            if response.status < 500 and response.status != TOO_MANY:
                return response
            wanted = min(wanted_pause(response) or 0.0, LONGEST_WANTED)
        except Unreachable:
            pass
        connection.cancel.wait(max(pause, wanted))
    return connection.sender.send("GET", path, query)


def _begun(fetch: Callable[[str], T], token: str) -> Callable[[], T]:
    """Start it beside the reader; what is returned waits for its end, and returns or raises what it did."""
    done: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            done.append(fetch(token))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def ended() -> T:
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    return ended
