"""Read every Service of a namespace or a cluster, and what is on their paths: three paged LISTs at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_refused.model.objects import EndpointSlice, Pod, Service
from kubectl_refused.model.snapshot import Change, Coverage, Snapshot, fold
from kubectl_refused.sources.cluster import changes_of
from kubectl_refused.sources.decoding import decode
from kubectl_refused.sources.reads import ListRequest, in_parallel, list_objects, namespaced

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

MOST_PAGES = 1000  # of 500 objects: beyond it the memory of a small machine ends
_KINDS: tuple[tuple[str, str, str, type[Any]], ...] = (
    ("Services", "services", "", Service),
    ("EndpointSlices", "endpointslices", "discovery.k8s.io/v1", EndpointSlice),
    ("Pods", "pods", "", Pod),
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
        read = in_parallel([partial(self._read, *kind) for kind in _KINDS])
        return fold(change for changes in read for change in changes)

    def _read(self, what: str, resource: str, group: str, type_: type[Any]) -> list[Change]:
        selector = self.selector if type_ is Service else ""
        query = [("labelSelector", selector)] if selector else []
        path = listed(resource, group, self.namespace)
        request: ListRequest[Any] = ListRequest(
            what, path, lambda raw: decode(raw, type_), query, most_pages=MOST_PAGES
        )
        coverage = Coverage(type_.__name__, self.namespace, selector)
        return list(self._changes(request, coverage))

    def _changes(self, request: ListRequest[Any], coverage: Coverage) -> Iterator[Change]:
        listing = list_objects(self.connection, request)
        yield from changes_of(listing, coverage, request, self.now)


def listed(resource: str, group: str, namespace: str) -> str:
    """The API path of a resource in one namespace, or in all of them."""
    if namespace:
        return namespaced(namespace, resource, group=group)
    return f"/apis/{group}/{resource}" if group else f"/api/v1/{resource}"
