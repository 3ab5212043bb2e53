"""Bounded reads of one kind, each with its outcome as values: objects, or Gaps that say why not.

What ends a run (no cluster, no credentials, cancelled) is raised; everything else shrinks the answer.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kubectl_refused.connection.errors import ApiProblem, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.model.gaps import Gap
from kubectl_refused.sources.decoding import OddObject
from kubectl_refused.text import one_line

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection
    from kubectl_refused.connection.paging import ListOf

T = TypeVar("T")
S = TypeVar("S")
Decode = Callable[[msgspec.Raw], T]
Query = Sequence[tuple[str, str]]

PAGE_SIZE = 500  # kubectl's own
MOST_PAGES = 10
MOST_THREADS = 8
TOO_MANY = 429


class Listing(Struct, Generic[T], frozen=True):
    """What one LIST gave. `read` is false when it was refused; `gaps` tell why, or which objects were odd.

    `version` is the resourceVersion from which on a watch tells what changes.
    """

    items: tuple[T, ...] = ()
    gaps: tuple[Gap, ...] = ()
    read: bool = True
    complete: bool = True
    version: str = ""


class ListRequest(Struct, Generic[T], frozen=True):
    """One LIST to make. `what` names the kind for a reader (NetworkPolicies); `ahead`: all of it will be read.

    `whole` decodes a page at once where it can; what it cannot goes through `decode` object by object.
    """

    what: str
    path: str
    decode: Decode[T]
    query: Query = ()
    page_size: int = PAGE_SIZE
    most_pages: int = MOST_PAGES
    ahead: bool = False
    whole: Callable[[bytes], ListOf[T] | None] | None = None


def list_objects(connection: Connection, request: ListRequest[T]) -> Listing[T]:
    """Read at most `most_pages` pages. Raises Unreachable, CredentialsProblem or Cancelled."""
    items: list[T] = []
    gaps: list[Gap] = []
    pages, version = 0, ""
    try:
        for page in connection.list_pages(
            request.path, request.query, request.page_size, ahead=request.ahead, whole=request.whole
        ):
            items += page.objects
            _decode_page(page.items, request, items, gaps)
            pages, version = pages + 1, version or page.version
            if pages == request.most_pages:
                full = len(page) >= request.page_size
                return Listing(tuple(items), tuple(gaps), complete=not full, version=version)
    except (Forbidden, NotFound, ApiProblem) as error:
        return Listing(tuple(items), (*gaps, gap_of(error, request.what)), read=False, complete=False)
    return Listing(tuple(items), tuple(gaps), version=version)


def _decode_page(page: Iterable[msgspec.Raw], request: ListRequest[T], items: list[T], gaps: list[Gap]) -> None:
    for raw in page:
        try:
            items.append(request.decode(raw))
        except OddObject as error:
            gaps.append(Gap(f"one of the {request.what}", f"it does not read as one: {one_line(str(error))}"))


def gap_of(error: ConnectionProblem, what: str) -> Gap:
    """Return the Gap for a refused or failed call, with what would help: rights to grant, or another time."""
    if isinstance(error, Forbidden) and not error.by_admission:
        plain, _, group = error.resource.partition(".")
        where = f"in namespace {error.namespace}" if error.namespace else "in all namespaces"
        full = f"{plain}.{group}" if group else plain
        return Gap(what, f"forbidden: {error.verb} {plain} {where}", f"grant {error.verb} {full}")
    if isinstance(error, ApiProblem) and error.status == TOO_MANY:
        return Gap(what, "the API server answers 429, too many requests", "try again later")
    said = getattr(error, "server_message", "") or error.message
    return Gap(what, one_line(said))


def segment(name: str) -> str:
    """Return a name as one segment of a path, so that no name reaches another path."""
    return quote(name, safe="")


def namespaced(namespace: str, resource: str, name: str = "", group: str = "") -> str:
    """Return the API path of a namespaced resource; `group` like apps/v1, core/v1 when empty."""
    base = f"/apis/{group}" if group else "/api/v1"
    path = f"{base}/namespaces/{segment(namespace)}/{resource}"
    return f"{path}/{segment(name)}" if name else path


def in_parallel(tasks: Sequence[Callable[[], T]], most: int = MOST_THREADS) -> list[T]:
    """Run the tasks in daemon threads, `most` at a time; results in order, the first exception is raised."""
    if len(tasks) < 2:
        return [task() for task in tasks]
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    waiting = iter(enumerate(tasks))
    lock = threading.Lock()

    def work() -> None:
        while not errors:
            with lock:
                index, task = next(waiting, (-1, None))
            if task is None:
                return
            try:
                results[index] = task()
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(most, len(tasks)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(tasks))]


def each(work: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Do `work` on every item side by side; results in order, the first exception is raised."""
    return in_parallel([functools.partial(work, item) for item in items])
