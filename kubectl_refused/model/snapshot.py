"""What was read of the objects on the path: the fold of a source's changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, field

from .gaps import Gap
from .objects import EndpointSlice, KubernetesObject, Pod, Service, Workload


class Coverage(NamedTuple):
    """One read that succeeded: a kind, a namespace ("" for all) and a selector ("" for all)."""

    kind: str
    namespace: str
    selector: str = ""


class Change(Struct, frozen=True):
    """One entry of a source's log, `at` in seconds since the epoch.

    Exactly one of `value` (an object seen), `removed` (kind, namespace, name), `covered` or `gap` is set.
    """

    at: float
    value: KubernetesObject | None = None
    removed: tuple[str, str, str] | None = None
    covered: Coverage | None = None
    gap: Gap | None = None
    line: str = ""


class Snapshot(Struct, frozen=True):
    """Objects by (kind, namespace, name), what was read, and what could not be read.

    `origin` is cluster or files; `lines` holds `file:line` for objects that came from files. `taken` is the
    time of the last change, in seconds since the epoch.
    """

    objects: dict[tuple[str, str, str], KubernetesObject] = field(default_factory=dict)
    coverage: frozenset[Coverage] = frozenset()
    gaps: tuple[Gap, ...] = ()
    origin: str = "cluster"
    lines: dict[tuple[str, str, str], str] = field(default_factory=dict)
    taken: float = 0.0

    def service(self, namespace: str, name: str) -> Service | None:
        """The Service of that name, or None."""
        found = self.objects.get(("Service", namespace, name))
        return found if isinstance(found, Service) else None

    def slices_of(self, service: Service) -> tuple[EndpointSlice, ...]:
        """EndpointSlices that name the Service in their label kubernetes.io/service-name."""
        meta = service.metadata
        return tuple(
            o
            for o in self.objects.values()
            if isinstance(o, EndpointSlice)
            and o.metadata.namespace == meta.namespace
            and (o.metadata.labels or {}).get("kubernetes.io/service-name") == meta.name
        )

    def pods(self, namespace: str) -> tuple[Pod, ...]:
        """Every pod read of a namespace, by name."""
        return tuple(o for o in self.objects.values() if isinstance(o, Pod) and o.metadata.namespace == namespace)

    def workloads(self, namespace: str) -> tuple[Workload, ...]:
        """Every workload read of a namespace."""
        return tuple(
            o for o in self.objects.values() if isinstance(o, Workload) and o.metadata.namespace == namespace
        )

    def read(self, kind: str, namespace: str) -> bool:
        """Whether objects of that kind were read there, so that absent means absent."""
        return any(c.kind == kind and c.namespace in ("", namespace) for c in self.coverage)


def kind_of(value: KubernetesObject) -> str:
    """The object's kind; a Workload carries its own."""
    return value.kind if isinstance(value, Workload) else type(value).__name__


def key_of(value: KubernetesObject) -> tuple[str, str, str]:
    """(kind, namespace, name) of an object."""
    return (kind_of(value), value.metadata.namespace, value.metadata.name)


def fold(changes: Iterable[Change], *, until: float | None = None, origin: str = "cluster") -> Snapshot:
    """The Snapshot that a source's changes make, up to and including the time `until`."""
    objects: dict[tuple[str, str, str], KubernetesObject] = {}
    lines: dict[tuple[str, str, str], str] = {}
    coverage: set[Coverage] = set()
    gaps: list[Gap] = []
    taken = 0.0
    for change in changes:
        if until is not None and change.at > until:
            continue
        taken = max(taken, change.at)
        if change.value is not None:
            objects[key_of(change.value)] = change.value
            if change.line:
                lines[key_of(change.value)] = change.line
        elif change.removed is not None:
            objects.pop(change.removed, None)
        elif change.covered is not None:
            coverage.add(change.covered)
        elif change.gap is not None:
            gaps.append(change.gap)
    return Snapshot(objects, frozenset(coverage), tuple(gaps), origin, lines, taken)
