"""Pods of any namespace that carry one of many selectors: a few requests for all, as each makes the server look
through every pod of the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kubectl_refused.model.facts import PODS_ELSEWHERE, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.snapshot import Coverage
from kubectl_refused.probes.base import Learnt, ProbeContext
from kubectl_refused.sources.decoding import decode
from kubectl_refused.sources.reads import Listing, ListRequest, in_parallel, list_objects
from kubectl_refused.trace.labels import carries

FEW = 2  # selectors that are asked for one by one
VALUES_EACH = 50
PAGE = 500
# From the API server's cache, a moment old at most: 0.04 s of its time where a look through 50,000 pods of etcd
# takes 4 s ("Resource versions" of the Kubernetes API concepts: with 0 any version will do). The cache knows no
# limit: all pods with the label come at once, which are many where every namespace has an app of that name.
FROM_CACHE = ("resourceVersion", "0")
Pairs = tuple[tuple[str, str], ...]
BEYOND = Gap(
    PODS_ELSEWHERE.about, f"more than {PAGE} pods carry one of the selectors that were asked for together"
)


def read_together(needs: Sequence[Need], context: ProbeContext) -> tuple[list[Learnt], list[Need]]:
    """What could be read for needs of PODS_ELSEWHERE together, and the needs that are left for others."""
    by_key: dict[str, list[Need]] = {}
    for need in needs:
        labels: Pairs = need.subject.labels if need.fact is PODS_ELSEWHERE else ()
        if len(labels) == 1 and labels[0][1]:
            by_key.setdefault(labels[0][0], []).append(need)
    groups = [group for group in by_key.values() if len(group) > FEW]
    if not groups or Coverage("Pod", "") in context.snapshot.coverage:
        return [], list(needs)
    parts = [group[at : at + VALUES_EACH] for group in groups for at in range(0, len(group), VALUES_EACH)]
    learnt = [one for answers in in_parallel([partial(_read, part, context) for part in parts]) for one in answers]
    done = {need for need, _ in learnt}
    return learnt, [need for need in needs if need not in done]


def _read(needs: Sequence[Need], context: ProbeContext) -> list[Learnt]:
    """By one request for pods whose label has one of the values."""
    key = needs[0].subject.labels[0][0]
    values = ",".join(need.subject.labels[0][1] for need in needs)
    request: ListRequest[Pod] = ListRequest(
        "Pods of other namespaces",
        "/api/v1/pods",
        lambda raw: decode(raw, Pod),
        [("labelSelector", f"{key} in ({values})"), FROM_CACHE],
        page_size=PAGE,
        most_pages=1,
    )
    listing = list_objects(context.connection, request)
    return [(need, _of(need, listing)) for need in needs]


def _of(need: Need, listing: Listing[Pod]) -> tuple[Pod, ...] | Gap:
    mine = tuple(pod for pod in listing.items if carries(pod.metadata.labels, dict(need.subject.labels)))
    if mine or (listing.read and listing.complete):
        return mine
    return BEYOND if listing.read else listing.gaps[-1]
