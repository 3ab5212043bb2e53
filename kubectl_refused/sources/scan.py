"""Read every Service of a namespace or a cluster, and what is on their paths: three paged LISTs at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from kubectl_refused.model.objects import EndpointSlice, Pod, Service
from kubectl_refused.model.snapshot import Change, Coverage, Snapshot, fold
from kubectl_refused.sources.cluster import changes_of
from kubectl_refused.sources.frugal import FrugalReading
from kubectl_refused.sources.reads import PAGE_SIZE, ListRequest, in_parallel, list_objects, namespaced
from kubectl_refused.sources.sharing import pair

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

MOST_PAGES = 1000  # of 500 objects: beyond it the memory of a small machine ends


class Kind(NamedTuple):
    """A list to read: what people call it, its resource and API group, and what an object of it becomes."""

    what: str
    resource: str
    group: str
    type: type[Any]


class Part(NamedTuple):
    """What one list gave, and the resourceVersion from which a watch goes on; empty where it was refused."""

    changes: list[Change]
    version: str


KINDS = (
    Kind("Services", "services", "", Service),
    Kind("EndpointSlices", "endpointslices", "discovery.k8s.io/v1", EndpointSlice),
    Kind("Pods", "pods", "", Pod),
)


@dataclass(frozen=True)
class ScanSource:
    """What to read: `namespace` is empty for all, `selector` is of labels that Services must carry."""

    connection: Connection
    namespace: str = ""
    selector: str = ""
    now: Callable[[], float] = time.time

    def snapshot(self) -> Snapshot:
        """All of it. What is refused is a gap; raises Unreachable, CredentialsProblem or Cancelled."""
        snapshot = fold(change for one in self.parts() for change in one.changes)
        pair(snapshot.objects)
        return snapshot

    def parts(self) -> list[Part]:
        """The three lists. Raises as `snapshot` does."""
        return in_parallel([partial(self.part, kind) for kind in KINDS])

    def part(self, kind: Kind, page_size: int = PAGE_SIZE) -> Part:
        """One of the lists, its next page fetched while the last one is decoded. Raises as `snapshot` does."""
        path, query = self.place(kind)
        reading = FrugalReading(kind.type)
        request: ListRequest[Any] = ListRequest(
            kind.what,
            path,
            reading.one,
            query,
            page_size,
            most_pages=MOST_PAGES,
            ahead=True,
            whole=reading.page,
        )
        listing = list_objects(self.connection, request)
        coverage = Coverage(kind.type.__name__, self.namespace, query[0][1] if query else "")
        return Part(list(changes_of(listing, coverage, request, self.now)), listing.version)

    def place(self, kind: Kind) -> tuple[str, list[tuple[str, str]]]:
        """The path and the query of a list."""
        selector = self.selector if kind.type is Service else ""
        query = [("labelSelector", selector)] if selector else []
        return listed(kind.resource, kind.group, self.namespace), query


def listed(resource: str, group: str, namespace: str) -> str:
    """The API path of a resource in one namespace, or in all of them."""
    if namespace:
        return namespaced(namespace, resource, group=group)
    return f"/apis/{group}/{resource}" if group else f"/api/v1/{resource}"
