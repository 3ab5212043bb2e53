"""A dump of a cluster as a source. Its pods have statuses; it holds no EndpointSlices, policies or namespaces.

Slices are worked out from Services and pods as the EndpointSlice controller does it, which the report says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from kubectl_refused.decoders import decoded
from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.model import objects
from kubectl_refused.model.gaps import Aside, Gap
from kubectl_refused.model.objects import KubernetesObject, Pod, Service
from kubectl_refused.model.snapshot import SERVICE_NAME_LABEL, Change, Coverage, SeenObject
from kubectl_refused.model.target import Target
from kubectl_refused.patterns import lazily

from .decoding import OddObject, decode, decode_workload
from .dump_files import DumpFiles, Part, place_of_error
from .promised_slices import promised_slices

WORKED_OUT = Aside(
    "EndpointSlices", "a dump has none; they are worked out from the pods' readiness, as the controller does it"
)
_TYPES: dict[str, type[Any]] = {
    "ServiceList": objects.Service,
    "PodList": objects.Pod,
    "NodeList": objects.Node,
    "EventList": objects.Event,
}
_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")
_IN_NAMESPACES = ("Service", "Pod", "Event", *_WORKLOADS)
_TIME = lazily(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')


class _List(msgspec.Struct, frozen=True):
    kind: str = ""
    items: list[msgspec.Raw] | None = None


class DumpSource:
    """Decodes the files once, on first use. `now` gives seconds since the epoch."""

    origin = "dump"

    def __init__(self, files: DumpFiles, now: Callable[[], float] = time.time) -> None:
        self._files, self._now = files, now
        self._all: tuple[Change, ...] | None = None
        self._spaces: frozenset[str] = files.namespaces

    def read(self, target: Target) -> Iterable[Change]:
        """Everything in the dump, and what is not in it of this target. Raises ManifestProblem."""
        changes = self._load()
        yield from changes
        at = changes[0].at if changes else 0.0
        services = [c.value for c in changes if isinstance(c.value, Service)]
        for space in sorted(self._spaces):
            if all(s.spec.selector or s.spec.type == "ExternalName" for s in _asked(services, target, space)):
                yield Change(at, covered=Coverage("EndpointSlice", space))
        yield Change(at, gap=WORKED_OUT)
        if target.name and target.namespace not in self._spaces:
            told = shown(", ".join(sorted(self._spaces)))
            yield Change(at, gap=Gap(f"namespace {target.namespace}", f"the dump holds {told or 'none'}"))
        for service in _asked(services, target, target.namespace) if target.name else ():
            if not service.spec.selector and service.spec.type != "ExternalName":
                why = "a dump has none, and without a selector nothing tells what they hold"
                yield Change(at, gap=Gap(f"EndpointSlices of svc/{service.metadata.name}", why))

    def services(self) -> list[tuple[str, str]]:
        """(namespace, name) of every Service. Raises ManifestProblem."""
        values = [change.value for change in self._load()]
        return [(v.metadata.namespace, v.metadata.name) for v in values if isinstance(v, Service)]

    def gaps(self) -> list[Gap]:
        """Objects that were not understood. Raises ManifestProblem."""
        return [change.gap for change in self._load() if change.gap]

    def log(self, namespace: str, pod: str, container: str) -> str | None:
        """The end of a container's log. Raises ManifestProblem."""
        return self._files.log(namespace, pod, container)

    def _load(self) -> tuple[Change, ...]:
        if self._all is None:
            at = min(self._now(), max((_latest(part.data) for part in self._files.parts), default=0.0))
            found = [change for part in self._files.parts for change in _changes(part, at)]
            values = [change.value for change in found if change.value is not None]
            self._spaces |= {value.metadata.namespace for value in values} - {""}
            found += [Change(at, covered=Coverage("Node", ""))]
            found += [Change(at, covered=Coverage(k, s)) for s in sorted(self._spaces) for k in _IN_NAMESPACES]
            self._all = (*found, *(Change(at, value=one) for one in _slices(values)))
        return self._all


def _asked(services: Iterable[Service], target: Target, namespace: str) -> list[Service]:
    here = [s for s in services if s.metadata.namespace == namespace]
    return [s for s in here if s.metadata.name == target.name] if target.name else here


def _slices(values: Iterable[SeenObject]) -> Iterator[KubernetesObject]:
    pods: dict[str, list[Pod]] = {}
    services: list[Service] = []
    for value in values:
        if isinstance(value, Pod):
            pods.setdefault(value.metadata.namespace, []).append(value)
        elif isinstance(value, Service):
            services.append(value)
    for service in services:
        yield from promised_slices(service, pods.get(service.metadata.namespace, ()), SERVICE_NAME_LABEL)


def _changes(part: Part, at: float) -> Iterator[Change]:
    """Objects of one List, and a Gap for each that is none. Raises ManifestProblem."""
    try:
        told = decoded(part.data, _List)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestProblem(place_of_error(part), "dump it again") from error
    for number, raw in enumerate(told.items or ()):
        try:
            value = _object(told.kind, raw)
        except OddObject as error:
            kind = shown(told.kind.removesuffix("List"))
            why = f"it does not read as a {kind}: {shown(str(error))}"
            yield Change(at, gap=Gap(f"a {kind} in {part.name}, number {number + 1}", why, "dump it again"))
            continue
        if value is not None:
            yield Change(at, value=value)


def _object(kind: str, raw: msgspec.Raw) -> KubernetesObject | None:
    if kind in _TYPES:
        found: KubernetesObject = decode(raw, _TYPES[kind])
        return found
    workload = kind.removesuffix("List")
    return decode_workload(raw, workload) if workload in _WORKLOADS else None


def _latest(data: bytes) -> float:
    """The newest time that a List names: about when it was dumped."""
    newest = max(_TIME.findall(data), default=b"")
    try:
        return datetime.fromisoformat(newest.decode()).timestamp() if newest else 0.0
    except ValueError:
        return 0.0
