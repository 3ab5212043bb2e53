"""Events about pods and workloads: one request for one pod, one as well for many pods of a namespace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from kubectl_refused.model.facts import Need, PodKey, WorkloadKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Event
from kubectl_refused.probes.base import Learnt, ProbeContext
from kubectl_refused.sources.decoding import decode
from kubectl_refused.sources.reads import Listing, ListRequest, each, list_objects, namespaced
from kubectl_refused.text import mask

MOST_EVENTS = 500
MOST_SINGLE_READS = 4


def read_events(context: ProbeContext, needs: Sequence[Need]) -> list[Learnt]:
    """Return the events of each need's pod (its subject is a PodKey), cleaned and masked, or a Gap."""
    by_namespace = groupby(sorted(needs, key=lambda n: n.subject), key=lambda n: n.subject.namespace)
    learnt: list[Learnt] = []
    for namespace, group in by_namespace:
        learnt += _in_namespace(context, namespace, list(group))
    return learnt


def read_events_of(context: ProbeContext, key: WorkloadKey) -> tuple[Event, ...] | Gap:
    """Return the events of one workload, as `read_events` does those of pods."""
    return _of(context, key.namespace, key.kind, key.name)


def _in_namespace(context: ProbeContext, namespace: str, needs: list[Need]) -> list[Learnt]:
    if len(needs) == 1:
        return [(needs[0], _of_pod(context, needs[0].subject))]
    listing = _list(context, namespace, "involvedObject.kind=Pod")
    if not listing.read:
        return [(need, listing.gaps[-1]) for need in needs]
    if listing.complete:
        return [(need, _about(listing, need.subject.name)) for need in needs]
    # A namespace with so many events that one page does not hold them: ask for a few pods by name.
    single, rest = needs[:MOST_SINGLE_READS], needs[MOST_SINGLE_READS:]
    answers = each(lambda need: _of_pod(context, need.subject), single)
    learnt: list[Learnt] = list(zip(single, answers, strict=True))
    return learnt + [(need, _about(listing, need.subject.name)) for need in rest]


def _of_pod(context: ProbeContext, key: PodKey) -> tuple[Event, ...] | Gap:
    return _of(context, key.namespace, "Pod", key.name)


def _of(context: ProbeContext, namespace: str, kind: str, name: str) -> tuple[Event, ...] | Gap:
    selector = f"involvedObject.kind={kind},involvedObject.name={name},involvedObject.namespace={namespace}"
    listing = _list(context, namespace, selector)
    return _about(listing, name) if listing.read else listing.gaps[-1]


def _list(context: ProbeContext, namespace: str, selector: str) -> Listing[Event]:
    request = ListRequest(
        "Events", namespaced(namespace, "events"), lambda raw: decode(raw, Event), [("fieldSelector", selector)],
        page_size=MOST_EVENTS, most_pages=1,
    )  # fmt: skip
    return list_objects(context.connection, request)


def _about(listing: Listing[Event], name: str) -> tuple[Event, ...]:
    """Return the events about what has that name, oldest first, without secrets of command lines in them."""
    about = (e for e in listing.items if e.involved_object.name == name)
    return tuple(
        msgspec.structs.replace(event, message=mask(event.message))
        for event in sorted(about, key=lambda e: e.last_timestamp or e.event_time or "")
    )
