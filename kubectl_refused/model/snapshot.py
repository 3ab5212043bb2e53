"""What was read of the objects on the path: the fold of a source's changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any, Protocol, TypeVar

from msgspec import Struct, field

from .containers import Engine, EngineContainer, EngineNetwork, EngineObject
from .entrances import EntranceObject
from .gaps import Gap
from .mesh import MeshObject
from .objects import EndpointSlice, KubernetesObject, Labels, Pod, Service, Workload

T = TypeVar("T")
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
SeenObject = KubernetesObject | EntranceObject | EngineObject | MeshObject
Key = tuple[str, str, str]  # kind, namespace, name


class Coverage(Struct, frozen=True):
    """One read that succeeded: a kind, a namespace ("" for all) and a selector ("" for all)."""

    kind: str
    namespace: str
    selector: str = ""


class Lines(Protocol):
    """Where the fields of an object stand that came from a file (sources/passages.py)."""

    def line_of(self, field: str, value: object = None) -> int:
        """The line of a field such as `spec.ports[].targetPort`, of several the one that holds `value`."""
        ...


class Change(Struct, frozen=True):
    """One entry of a source's log, `at` in seconds since the epoch.

    Exactly one of `value` (an object seen), `removed` (kind, namespace, name), `covered` or `gap` is set.
    """

    at: float
    value: SeenObject | None = None
    removed: tuple[str, str, str] | None = None
    covered: Coverage | None = None
    gap: Gap | None = None
    line: str = ""
    passage: Lines | None = None


class Index(Struct, frozen=True):
    """The objects by what they are looked up by: a scan asks ten thousand times, each in its snapshot's order.

    `labelled` has pods by namespace and one label, of `keys` alone: those that any Service selects by. `slices`
    are by namespace and Service, `parts` all of a namespace.
    """

    pods: dict[str, list[Pod]]
    labelled: dict[tuple[str, str, str], list[Pod]]
    slices: dict[tuple[str, str], list[EndpointSlice]]
    workloads: dict[str, list[Workload]]
    services: dict[str, list[Service]]
    parts: dict[str, list[EndpointSlice]]
    keys: frozenset[str]


class Snapshot(Struct, frozen=True, dict=True):
    """Objects by (kind, namespace, name), what was read, and what could not be read.

    `origin` is cluster, files, dump, engine or host; `lines` holds `file:line` for objects that came from files,
    `passages` where their fields stand. `taken` is the time of the last change, in seconds since the epoch.
    """

    objects: dict[tuple[str, str, str], SeenObject] = field(default_factory=dict)
    coverage: frozenset[Coverage] = frozenset()
    gaps: tuple[Gap, ...] = ()
    origin: str = "cluster"
    lines: dict[tuple[str, str, str], str] = field(default_factory=dict)
    taken: float = 0.0
    passages: dict[tuple[str, str, str], Lines] = field(default_factory=dict)

    def service(self, namespace: str, name: str) -> Service | None:
        """The Service of that name, or None."""
        found = self.objects.get(("Service", namespace, name))
        return found if isinstance(found, Service) else None

    def services(self) -> Iterator[Service]:
        """Every Service read, in the order read."""
        return (o for o in self.objects.values() if isinstance(o, Service))

    def pod(self, namespace: str, name: str) -> Pod | None:
        """The pod of that name, or None."""
        found = self.objects.get(("Pod", namespace, name))
        return found if isinstance(found, Pod) else None

    def slices_of(self, service: Service) -> tuple[EndpointSlice, ...]:
        """EndpointSlices that name the Service in their label kubernetes.io/service-name."""
        return tuple(self.index.slices.get((service.metadata.namespace, service.metadata.name), ()))

    def slices(self, namespace: str) -> tuple[EndpointSlice, ...]:
        """Every EndpointSlice read of a namespace, whichever Service it names."""
        return tuple(self.index.parts.get(namespace, ()))

    def services_in(self, namespace: str) -> tuple[Service, ...]:
        """Every Service read of a namespace."""
        return tuple(self.index.services.get(namespace, ()))

    def pods(self, namespace: str) -> tuple[Pod, ...]:
        """Every pod read of a namespace, by name."""
        return tuple(self.index.pods.get(namespace, ()))

    def pods_like(self, namespace: str, labels: Labels) -> Iterator[Pod]:
        """The pods of a namespace that may carry all the labels: those that carry the rarest of them."""
        labelled, keys = self.index.labelled, self.index.keys
        known = [(namespace, key, value) for key, value in labels.items() if key in keys]
        if labels and not known:
            return iter(self.index.pods.get(namespace, ()))
        found: list[list[Pod]] = [labelled.get(one, []) for one in known]
        rarest: list[Pod] = min(found, key=len, default=[])
        return iter(rarest)

    def at(self, address: str) -> tuple[Pod | Service, ...]:
        """The live pods and the Services that have the address as one of theirs."""
        return tuple(self.addressed.get(address, ()))

    def containers(self) -> tuple[EngineContainer, ...]:
        """Every container read, in the engine's order."""
        return tuple(o for o in self.objects.values() if isinstance(o, EngineContainer))

    def networks(self) -> tuple[EngineNetwork, ...]:
        """Every network of the engine that was read."""
        return tuple(o for o in self.objects.values() if isinstance(o, EngineNetwork))

    @property
    def engine(self) -> Engine:
        """The engine that was asked; one without a word where none was."""
        return next((o for o in self.objects.values() if isinstance(o, Engine)), Engine())

    def workloads(self, namespace: str) -> tuple[Workload, ...]:
        """Every workload read of a namespace."""
        return tuple(self.index.workloads.get(namespace, ()))

    @cached_property
    def index(self) -> Index:
        """Made at the first look-up."""
        return indexed(self.objects.values())

    @cached_property
    def addressed(self) -> dict[str, list[Pod | Service]]:
        """Live pods and Services by an address as it is written there; by itself, as most runs never ask."""
        found: dict[str, list[Pod | Service]] = defaultdict(list)
        for value in self.objects.values():
            if isinstance(value, Pod | Service):
                for address in dict.fromkeys(_addresses(value)):
                    found[address].append(value)
        return found

    def derived(self, key: str, make: Callable[[], T]) -> T:
        """What `make` works out of the objects alone, made once and kept beside them as the index is."""
        kept = self.__dict__.setdefault("_derived", {})
        if key not in kept:
            kept[key] = make()
        found: T = kept[key]
        return found

    def read(self, kind: str, namespace: str) -> bool:
        """Whether objects of that kind were read there, so that absent means absent."""
        return any(c.kind == kind and c.namespace in ("", namespace) for c in self.coverage)


def indexed(objects: Collection[SeenObject]) -> Index:
    """The Index of these objects."""
    selectors = (one.spec.selector or {} for one in objects if isinstance(one, Service))
    keys = frozenset(key for selector in selectors for key in selector)
    made: dict[str, Any] = {name: defaultdict(list) for name in Index.__struct_fields__ if name != "keys"}
    index = Index(**made, keys=keys)
    for value in objects:
        meta = value.metadata
        if isinstance(value, Pod):
            index.pods[meta.namespace].append(value)
            for key, label in (meta.labels or {}).items():
                if key in keys:
                    index.labelled[(meta.namespace, key, label)].append(value)
        elif isinstance(value, Service):
            index.services[meta.namespace].append(value)
        elif isinstance(value, EndpointSlice):
            index.parts[meta.namespace].append(value)
            service = (meta.labels or {}).get(SERVICE_NAME_LABEL)
            if service is not None:
                index.slices[(meta.namespace, service)].append(value)
        elif isinstance(value, Workload):
            index.workloads[meta.namespace].append(value)
    return index


def _addresses(value: Pod | Service) -> Iterator[str]:
    """A finished pod keeps its address in its status, though another pod may have it by now."""
    if isinstance(value, Service):
        given = (value.spec.cluster_ip, *(value.spec.cluster_ips or ()))
        yield from (address for address in given if address and address != "None")
    elif value.status and value.status.phase not in ("Succeeded", "Failed"):
        yield from (one for one in (value.status.pod_ip, *(p.ip for p in value.status.pod_ips or ())) if one)


def kind_of(value: SeenObject) -> str:
    """The object's kind; a Workload carries its own."""
    return value.kind if isinstance(value, Workload) else type(value).__name__


def key_of(value: SeenObject) -> tuple[str, str, str]:
    """(kind, namespace, name) of an object."""
    return (kind_of(value), value.metadata.namespace, value.metadata.name)


def fold(changes: Iterable[Change], *, until: float | None = None, origin: str = "cluster") -> Snapshot:
    """The Snapshot that a source's changes make, up to and including the time `until`."""
    objects: dict[tuple[str, str, str], SeenObject] = {}
    lines: dict[tuple[str, str, str], str] = {}
    passages: dict[tuple[str, str, str], Lines] = {}
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
            if change.passage is not None:
                passages[key_of(change.value)] = change.passage
        elif change.removed is not None:
            objects.pop(change.removed, None)
        elif change.covered is not None:
            coverage.add(change.covered)
        elif change.gap is not None:
            gaps.append(change.gap)
    return Snapshot(objects, frozenset(coverage), tuple(gaps), origin, lines, taken, passages)
