"""Read a large cluster in outline: Services and slices, and then the pods of some Services only.

Pods are nine tenths of what a scan reads. Those of one namespace are asked for together, by their selectors.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from kubectl_refused.model.objects import EndpointSlice, Labels, Pod, Service
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, Change, Coverage, SeenObject, Snapshot, fold

from .cluster import changes_of
from .frugal import FrugalReading
from .reads import ListRequest, in_parallel, list_objects, namespaced
from .scan import KINDS, MOST_PAGES, ScanSource

PAGE = 2500  # Services and slices are small: 4 MB, as a page of 500 pods
SMALL = 500  # endpoints of a namespace whose pods one page may hold
VALUES_EACH = 50  # of 63 letters at most, so that a query stays under 4 KB
MOST_QUERIES = 4  # of one namespace; with more its pods are read as a whole


@dataclass(frozen=True)
class SkimSource:
    """What to read of what a scan would read."""

    whole: ScanSource

    def outline(self) -> list[Change]:
        """Services and EndpointSlices. Raises what a scan's reading raises."""
        kinds = [kind for kind in KINDS if kind.type is not Pod]
        parts = in_parallel([partial(self.whole.part, kind, PAGE) for kind in kinds])
        return [change for one in parts for change in one.changes]

    def with_pods_of(self, outline: Iterable[Change], services: Iterable[Service]) -> Snapshot:
        """The outline, and the pods that these Services select. Raises as `outline`."""
        outline, services = list(outline), [one for one in services if one.spec.selector]
        wanted: dict[str, list[Labels]] = defaultdict(list)
        for service in services:
            wanted[service.metadata.namespace].append(service.spec.selector or {})
        whole = _read_whole((change.value for change in outline), services)
        asked = [(space, [""] if space in whole else queries(selectors)) for space, selectors in wanted.items()]
        read = in_parallel([partial(self._pods, space, query) for space, some in asked for query in some])
        return fold([*outline, *(change for one in read for change in one)])

    def _pods(self, namespace: str, selector: str) -> list[Change]:
        reading = FrugalReading(Pod)
        request = ListRequest(
            "Pods",
            namespaced(namespace, "pods"),
            reading.one,
            [("labelSelector", selector)] if selector else [],
            most_pages=MOST_PAGES,
            whole=reading.page,
        )
        listing = list_objects(self.whole.connection, request)
        return list(changes_of(listing, Coverage("Pod", namespace, selector), request, self.whole.now))


def _read_whole(outline: Iterable[SeenObject | None], services: Iterable[Service]) -> set[str]:
    """Small namespaces in which a Service has no endpoints: who asks what its selector meant needs all pods."""
    served, sizes = set[tuple[str, str]](), Counter[str]()
    for one in outline:
        if isinstance(one, EndpointSlice) and one.endpoints:
            space, labels = one.metadata.namespace, one.metadata.labels or {}
            served.add((space, labels.get(SERVICE_NAME_LABEL, "")))
            sizes[space] += len(one.endpoints)
    bare = {
        one.metadata.namespace for one in services if (one.metadata.namespace, one.metadata.name) not in served
    }
    return {space for space in bare if sizes[space] <= SMALL}


def queries(selectors: Iterable[Labels]) -> list[str]:
    """Label selectors that together select the pods of all of these, as few as there can be; "" is every pod."""
    found = list(_queries(selectors))
    return found if len(found) <= MOST_QUERIES else [""]


def _queries(selectors: Iterable[Labels]) -> Iterator[str]:
    alone: dict[str, dict[str, None]] = {}
    several: dict[str, None] = {}
    for labels in selectors:
        if len(labels) == 1 and all(labels.values()):
            ((key, value),) = labels.items()
            alone.setdefault(key, {})[value] = None
        else:
            several[",".join(f"{key}={value}" for key, value in sorted(labels.items()))] = None
    for key, values in alone.items():
        names = list(values)
        for start in range(0, len(names), VALUES_EACH):
            part = names[start : start + VALUES_EACH]
            yield f"{key}={part[0]}" if len(part) == 1 else f"{key} in ({','.join(part)})"
    yield from several
