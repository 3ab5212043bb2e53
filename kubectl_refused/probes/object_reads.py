"""Facts that the API server's objects tell: one bounded request each, none made twice.

Every request is one page of one namespace or one selector, so that a diagnosis costs the same on any cluster.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import Fact, Need
from kubectl_refused.model.gaps import Absent, Gap
from kubectl_refused.model.objects import EndpointSlice, Namespace, NetworkPolicy, Pod, Service, Workload
from kubectl_refused.model.snapshot import Coverage
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.elsewhere_reads import FROM_CACHE, read_together
from kubectl_refused.probes.event_reads import read_events, read_events_of
from kubectl_refused.probes.workload_reads import Owners
from kubectl_refused.sources.decoding import OddObject, decode, decode_workload
from kubectl_refused.sources.reads import (
    Listing,
    ListRequest,
    Query,
    gap_of,
    in_parallel,
    list_objects,
    namespaced,
    segment,
)
from kubectl_refused.text import one_line
from kubectl_refused.trace.labels import pods_anywhere

ONE_PAGE = 500  # a namespace with more is read in part: enough to find what was probably meant
FEW = 50
MOST_SINGLE_WORKLOADS = 8
MOST_PAGES = 4  # of all Services: asked for only where two of them may fight over one address or node port
# A DaemonSet has no replicas to be zero of, and its labels show on its pods: one request less.
WORKLOAD_KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}


class Reader(Struct, frozen=True):
    """Reads for one batch of needs."""

    context: ProbeContext
    owners: Owners

    def pods_in(self, key: f.NamespaceKey) -> Any:
        if self._was_read("Pod", key.namespace):
            return self.context.snapshot.pods(key.namespace)
        return self._list("Pods", namespaced(key.namespace, "pods"), Pod)

    def services_in(self, key: f.NamespaceKey) -> Any:
        if self._was_read("Service", key.namespace):
            return self.context.snapshot.services_in(key.namespace)
        return self._list("Services", namespaced(key.namespace, "services"), Service)

    def slices_in(self, key: f.NamespaceKey) -> Any:
        if self._was_read("EndpointSlice", key.namespace):
            return self.context.snapshot.slices(key.namespace)
        path = namespaced(key.namespace, "endpointslices", group="discovery.k8s.io/v1")
        return self._list("EndpointSlices", path, EndpointSlice)

    def services_named(self, key: f.NameKey) -> Any:
        if self._was_read("Service", ""):
            return tuple(s for s in self.context.snapshot.services() if s.metadata.name == key.name)
        # The API server has an index for metadata.name only in its cache; the answer is small in any case.
        return self._list(
            "Services of other namespaces",
            "/api/v1/services",
            Service,
            [("fieldSelector", f"metadata.name={key.name}")],
        )

    def services_everywhere(self, key: f.ClusterKey) -> Any:
        if self._was_read("Service", ""):
            return tuple(self.context.snapshot.services())
        return self._list("Services of all namespaces", "/api/v1/services", Service, most_pages=MOST_PAGES)

    def pods_elsewhere(self, key: f.SelectorKey) -> Any:
        if self._was_read("Pod", ""):  # or each such Service of a scan has the server look through every pod
            return pods_anywhere(self.context.snapshot, dict(key.labels))[:FEW]
        selector = ",".join(f"{name}={value}" for name, value in key.labels)
        return self._list(
            "Pods of other namespaces",
            "/api/v1/pods",
            Pod,
            [("labelSelector", selector), FROM_CACHE],
            page_size=FEW,
        )

    def policies_in(self, key: f.NamespaceKey) -> Any:
        path = namespaced(key.namespace, "networkpolicies", group="networking.k8s.io/v1")
        return self._list("NetworkPolicies", path, NetworkPolicy)

    def namespace(self, key: f.NamespaceKey) -> Any:
        try:
            body = self.context.connection.get_bytes(f"/api/v1/namespaces/{segment(key.namespace)}")
        except NotFound as error:
            return Absent(f"namespace {key.namespace}", error.message)
        except (Forbidden, ApiProblem) as error:
            return gap_of(error, f"namespace {key.namespace}")
        return decode(body, Namespace)

    def namespaces(self, key: f.ClusterKey) -> Any:
        """Which one may have been meant."""
        return self._list("Namespaces", "/api/v1/namespaces", Namespace)

    def workloads_in(self, key: f.NamespaceKey) -> Any:
        """Deployments and StatefulSets; what is refused is a Gap unless another kind was read."""
        listings = in_parallel([self._workload_task(key.namespace, kind) for kind in WORKLOAD_KINDS])
        if not any(listing.read for listing in listings):
            return next(gap for listing in listings for gap in listing.gaps)
        return tuple(workload for listing in listings for workload in listing.items)

    def workload(self, key: f.PodKey) -> Any:
        return self.owners.of_pod(key)

    def replica_sets(self, key: f.PodKey) -> Any:
        """Those of the pod's Deployment, found by its selector as its own controller finds them."""
        made_by = self.owners.of_pod(key)
        if isinstance(made_by, Gap) or made_by.kind != "Deployment":
            return made_by if isinstance(made_by, Gap) else ()
        selector = (made_by.spec.selector and made_by.spec.selector.match_labels) or {}
        request = ListRequest(
            "ReplicaSets", namespaced(key.namespace, "replicasets", group="apps/v1"),
            lambda raw: decode_workload(raw, "ReplicaSet"),
            [("labelSelector", ",".join(f"{name}={value}" for name, value in sorted(selector.items())))],
            page_size=FEW, most_pages=1,
        )  # fmt: skip
        listing = list_objects(self.context.connection, request)
        mine = made_by.metadata.uid
        found = (o for o in listing.items if any(owner.uid == mine for owner in o.metadata.owner_references or ()))
        return tuple(found) if listing.read else listing.gaps[-1]

    def events_of(self, key: f.WorkloadKey) -> Any:
        return read_events_of(self.context, key)

    def _was_read(self, kind: str, namespace: str) -> bool:
        """Whether every object of the kind there was read for the snapshot, as a scan does."""
        return bool({Coverage(kind, namespace), Coverage(kind, "")} & self.context.snapshot.coverage)

    def _workload_task(self, namespace: str, kind: str) -> Callable[[], Listing[Workload]]:
        path = namespaced(namespace, WORKLOAD_KINDS[kind], group="apps/v1")
        request = ListRequest(
            f"{kind}s", path, lambda raw: decode_workload(raw, kind), page_size=ONE_PAGE, most_pages=1
        )
        return lambda: list_objects(self.context.connection, request)

    def _list(
        self,
        what: str,
        path: str,
        type_: type[Any],
        query: Query = (),
        *,
        page_size: int = ONE_PAGE,
        most_pages: int = 1,
    ) -> tuple[Any, ...] | Gap:
        request: ListRequest[Any] = ListRequest(
            what, path, lambda raw: decode(raw, type_), query, page_size=page_size, most_pages=most_pages
        )
        listing = list_objects(self.context.connection, request)
        return listing.items if listing.read else listing.gaps[-1]


READS: dict[Fact[Any], Callable[[Reader, Any], Any]] = {
    f.PODS_IN: Reader.pods_in,
    f.WORKLOADS_IN: Reader.workloads_in,
    f.SERVICES_IN: Reader.services_in,
    f.SLICES_IN: Reader.slices_in,
    f.SERVICES_NAMED: Reader.services_named,
    f.SERVICES_EVERYWHERE: Reader.services_everywhere,
    f.PODS_ELSEWHERE: Reader.pods_elsewhere,
    f.POLICIES_IN: Reader.policies_in,
    f.NAMESPACE: Reader.namespace,
    f.NAMESPACES: Reader.namespaces,
    f.WORKLOAD: Reader.workload,
    f.EVENTS_OF: Reader.events_of,
    f.REPLICA_SETS: Reader.replica_sets,
}


class ObjectReads:
    """Reads objects on demand, side by side."""

    name = "object-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({*READS, f.EVENTS})
    rights: tuple[Right, ...] = (
        Right("list", "pods"),
        Right("list", "services"),
        Right("list", "endpointslices", "discovery.k8s.io"),
        Right("list", "events"),
        Right("list", "namespaces"),
        Right("list", "networkpolicies", "networking.k8s.io"),
        Right("list", "deployments", "apps"),
        Right("list", "statefulsets", "apps"),
        Right("get", "deployments", "apps"),
        Right("get", "replicasets", "apps"),
        Right("list", "replicasets", "apps"),
        Right("get", "statefulsets", "apps"),
        Right("get", "daemonsets", "apps"),
        Right("get", "jobs", "batch"),
    )

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read for all needs at once."""
        context.say("reading objects")
        context = self._with_workloads(needs, context)
        reader = Reader(context, Owners(context, threading.Lock()))
        events = [need for need in needs if need.fact is f.EVENTS]
        together, needs = read_together(needs, context)
        tasks: list[Callable[[], list[Learnt]]] = [
            partial(self._one, reader, need) for need in needs if need.fact is not f.EVENTS
        ]
        if events:
            tasks.append(partial(read_events, context, events))
        return [*together, *(learnt for batch in in_parallel(tasks) for learnt in batch)]

    def _with_workloads(self, needs: Sequence[Need], context: ProbeContext) -> ProbeContext:
        """Where many pods of a namespace ask for their workload, those are listed instead of got singly."""
        asked = Counter(need.subject.namespace for need in needs if need.fact is f.WORKLOAD)
        many = [f.NamespaceKey(namespace) for namespace, count in asked.items() if count > MOST_SINGLE_WORKLOADS]
        unread = [Need(f.WORKLOADS_IN, key) for key in many if context.facts.get(f.WORKLOADS_IN, key) is None]
        if not unread:
            return context
        reader = Reader(context, Owners(context, threading.Lock()))
        return replace(
            context, facts=context.facts.having(one for need in unread for one in self._one(reader, need))
        )

    @staticmethod
    def _one(reader: Reader, need: Need) -> list[Learnt]:
        what = need.fact.about
        try:
            return [(need, READS[need.fact](reader, need.subject))]
        except (Forbidden, NotFound, ApiProblem) as error:
            return [(need, gap_of(error, what))]
        except OddObject as error:
            return [(need, Gap(what, f"it does not read as one: {one_line(str(error))}"))]
