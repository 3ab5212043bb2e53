"""Read what lies on a Service's path from a cluster: at most three requests, however large the cluster.

The Service and its EndpointSlices are read side by side; the pods its selector picks follow, since only the
Service knows the selector. Reads are consistent ones (no resourceVersion), as a diagnosis must not come from
a stale cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import EndpointSlice, Pod, Service
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import (
    MOST_PAGES,
    Listing,
    ListRequest,
    gap_of,
    in_parallel,
    list_objects,
    namespaced,
)
from kubectl_refused.text import one_line

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection


class ClusterSource:
    """Reads through one Connection. `now` gives seconds since the epoch."""

    origin = "cluster"

    def __init__(self, connection: Connection, now: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._now = now

    def read(self, target: Target) -> Iterable[Change]:
        """Yield Changes for Service, EndpointSlices and pods.

        A missing Service is coverage without an object. Raises Unreachable, CredentialsProblem or Cancelled.
        """
        if target.is_of_pods:
            from .pods import read_pods  # who asks about a Service need not load it

            yield from read_pods(self._connection, target, self._now)
            return
        changes, slices = in_parallel([lambda: self._service(target), lambda: self._slices(target)])
        yield from changes
        yield from slices
        service = next((c.value for c in changes if isinstance(c.value, Service)), None)
        if service and service.spec.selector:
            yield from self._pods_for(target.namespace, service.spec.selector, slices)

    def _pods_for(self, namespace: str, selector: dict[str, str], slices: list[Change]) -> Iterator[Change]:
        """The pods behind the Service.

        Without any endpoint the namespace's first page of pods tells more for the same one request: what the
        selector nearly meant. Only where that page is not all of them the selector is asked for as well.
        """
        if any(isinstance(c.value, EndpointSlice) and c.value.endpoints for c in slices):
            yield from self._pods(namespace, selector, MOST_PAGES)
            return
        around = list(self._pods(namespace, {}, 1))
        refused = not any(c.covered for c in around)
        if refused or not any(c.gap for c in around):
            yield from around
            return
        yield from (c for c in around if c.value)
        yield from self._pods(namespace, selector, MOST_PAGES)

    def _service(self, target: Target) -> list[Change]:
        coverage = Coverage("Service", target.namespace, f"metadata.name={target.name}")
        try:
            body = self._connection.get_bytes(namespaced(target.namespace, "services", target.name))
            return [Change(self._now(), value=decode(body, Service)), Change(self._now(), covered=coverage)]
        except NotFound:
            return [Change(self._now(), covered=coverage)]
        except (Forbidden, ApiProblem) as error:
            return [Change(self._now(), gap=gap_of(error, "Services"))]
        except OddObject as error:
            why = f"it does not read as a Service: {one_line(str(error))}"
            return [Change(self._now(), gap=Gap(f"svc/{target.name}", why))]

    def _slices(self, target: Target) -> list[Change]:
        selector = f"{SERVICE_NAME_LABEL}={target.name}"
        path = namespaced(target.namespace, "endpointslices", group="discovery.k8s.io/v1")
        request = ListRequest(
            "EndpointSlices", path, lambda raw: decode(raw, EndpointSlice), [("labelSelector", selector)]
        )
        listing = list_objects(self._connection, request)
        return list(changes_of(listing, Coverage("EndpointSlice", target.namespace, selector), request, self._now))

    def _pods(self, namespace: str, labels: dict[str, str], pages: int) -> Iterator[Change]:
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        query = [("labelSelector", selector)] if selector else []
        path = namespaced(namespace, "pods")
        request = ListRequest("Pods", path, lambda raw: decode(raw, Pod), query, most_pages=pages)
        listing = list_objects(self._connection, request)
        return changes_of(listing, Coverage("Pod", namespace, selector), request, self._now)


def changes_of(
    listing: Listing[Any], coverage: Coverage, request: ListRequest[Any], now: Callable[[], float]
) -> Iterator[Change]:
    """Yield a Change for each object and gap of a LIST, and the coverage only where it reached its end."""
    for item in listing.items:
        yield Change(now(), value=item)
    for gap in listing.gaps:
        yield Change(now(), gap=gap)
    if listing.read:
        yield Change(now(), covered=coverage)
    if listing.read and not listing.complete:
        limit = request.page_size * request.most_pages
        yield Change(now(), gap=Gap(f"some {request.what}", f"there are more than the {limit} that were read"))
