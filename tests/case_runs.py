"""Runs of a case: as a cluster shows it, and from manifest files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from kubectl_refused.causes import Cause
from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import (
    AddressKey,
    ConfigMapKey,
    Fact,
    FactStore,
    Need,
    NodeKey,
    PodKey,
    SelectorKey,
    WorkloadKey,
)
from kubectl_refused.model.gaps import Absent, Gap
from kubectl_refused.model.mesh import ISTIO_ROOT, MeshObject, gathered
from kubectl_refused.model.objects import (
    ConfigMap,
    EndpointSlice,
    Event,
    Namespace,
    NetworkPolicy,
    Node,
    Pod,
    Service,
    Workload,
)
from kubectl_refused.model.observation import Holder, OtherPolicies
from kubectl_refused.model.report import Diagnosis, Note, Root
from kubectl_refused.model.snapshot import Change, Coverage, SeenObject, Snapshot
from kubectl_refused.model.target import HERE, OF_PODS, Depth, Target, Vantage
from kubectl_refused.pipeline import diagnose
from kubectl_refused.probes.holder_reads import of_nodes, of_pods
from kubectl_refused.probes.prober import Prober
from kubectl_refused.sources.file_facts import FileFacts
from kubectl_refused.sources.files import FilesSource
from kubectl_refused.trace.entries import NODE_PORTS
from kubectl_refused.trace.labels import carries

from .case_folders import ENTRANCE_TYPES, Case, manifests
from .fakes import probe_context


@dataclass
class CaseSource:
    """The path's objects, as sources/cluster.py reads them: the Service, its slices, the pods it selects.

    `at` is when they were read, in seconds since the epoch.
    """

    world: Sequence[SeenObject]
    at: float = 0.0
    origin: str = "cluster"

    def read(self, target: Target) -> Iterable[Change]:
        """Service, slices and pods of the target, each with its coverage; of other targets all."""
        if target.is_entrance:
            kinds = ("Service", "EndpointSlice", "Pod", "Node", NODE_PORTS, *(t.__name__ for t in ENTRANCE_TYPES))
            yield from (Change(self.at, value=value) for value in self.world)
            yield from (Change(self.at, covered=Coverage(kind, "")) for kind in kinds)
            return
        if target.is_of_pods:
            yield from (Change(self.at, value=value) for value in self.world)
            yield from (Change(self.at, covered=Coverage(kind, target.namespace)) for kind in OF_PODS)
            return
        if not target.is_service:
            yield from (Change(self.at, value=value) for value in self.world)
            yield from (Change(self.at, covered=Coverage(k, "")) for k in ("EngineContainer", "EngineNetwork"))
            return
        here = [o for o in self.world if o.metadata.namespace == target.namespace]
        service = next((o for o in here if isinstance(o, Service) and o.metadata.name == target.name), None)
        selector = (service.spec.selector if service else None) or {}
        for value in here:
            labels = value.metadata.labels or {}
            sliced = labels.get("kubernetes.io/service-name") == target.name
            selected = bool(selector) and isinstance(value, Pod) and carries(labels, selector)
            if value is service or (isinstance(value, EndpointSlice) and sliced) or selected:
                yield Change(self.at, value=value)
        for kind in ("Service", "EndpointSlice", *(("Pod",) if selector else ())):
            yield Change(self.at, covered=Coverage(kind, target.namespace, "of the target"))


@dataclass
class CaseLearner:
    """Answers objects' facts from the case's own objects and the rest from its observations, else with a Gap.

    `answers` keeps all that was asked. Facts in `without` are Gaps, as if no right or method for them were there;
    at depth none only objects answer.
    """

    world: Sequence[SeenObject]
    observed: dict[Need, Any]
    namespace: str
    depth: Depth = Depth.PODS
    without: Collection[Fact[Any]] = ()
    places: tuple[Vantage, ...] = ()
    is_service: bool = True
    answers: dict[Need, Any] = field(default_factory=dict)
    notices: list[Gap] = field(default_factory=list)

    def gaps_about(self, needs: Iterable[Need]) -> list[Gap]:
        """None: a case has no methods."""
        return []

    def notices_about(self, needs: Iterable[Need]) -> list[Gap]:
        """None."""
        return []

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, object]]:
        """A value or a Gap for every need."""
        learnt = [(need, self._answer(need)) for need in needs]
        self.answers.update(learnt)
        return learnt

    def vantages(self) -> tuple[Vantage, ...]:
        """The case's own clients, or a probe pod in the target's namespace, once one was heard."""
        if self.depth is not Depth.PODS or not any(n.fact is f.HANDSHAKE for n in self.observed):
            if self.is_service:
                return (Vantage(""),)
            return tuple(changed(place, kind="") for place in self.places) or (Vantage("", key=HERE),)
        if self.places:
            return self.places
        if not self.is_service:
            return (Vantage("here", key=HERE),)
        labels = (("app.kubernetes.io/managed-by", "kubectl-refused"),)
        return (Vantage("pod", self.namespace, "node1", labels=labels, address="10.202.1.200"),)

    def _answer(self, need: Need) -> Any:
        if need.fact in self.without:
            return Gap(need.fact.about, "withheld by the test")
        if need.fact.depth is Depth.NONE:
            return self.observed.get(need) or self._object(need)
        if need.fact is f.CONFIG_MAP:
            return self._config_map(need.subject)
        if self.depth is Depth.NONE:
            return Gap(need.fact.about, "not asked for at --probe none")
        return self.observed.get(need, Gap(need.fact.about, "nobody observed it"))

    def _object(self, need: Need) -> Any:
        key = need.subject
        if need.fact in (f.WORKLOAD, f.EVENTS, f.EVENTS_OF):
            return self._workload(key) if need.fact is f.WORKLOAD else tuple(self._events(key))
        if need.fact is f.ENTRANCES_IN:
            mine = [o for o in self.world if type(o).__name__ == key.kind]
            return tuple(o.metadata.name for o in mine if o.metadata.namespace == key.namespace)
        if need.fact is f.NODES:
            return tuple(o for o in self.world if isinstance(o, Node))
        if need.fact is f.NAMESPACES:
            return tuple(o for o in self.world if isinstance(o, Namespace))
        if need.fact is f.SERVICES_EVERYWHERE:
            return tuple(o for o in self.world if isinstance(o, Service))
        if need.fact is f.SECRET_TYPE:
            return Gap(f"secret/{key.name}", "nobody observed it")
        if need.fact is f.OTHER_POLICIES:
            return OtherPolicies()
        if need.fact is f.MESH:
            mine = [o for o in self.world if o.metadata.namespace in (key.namespace, ISTIO_ROOT)]
            return gathered(o for o in mine if isinstance(o, MeshObject))
        if need.fact in (f.HOLDER, f.NODE):
            return self._holder(key) if need.fact is f.HOLDER else self._node(key)
        if need.fact is f.REPLICA_SETS:
            return tuple(o for o in self.world if isinstance(o, Workload) and o.kind == "ReplicaSet")
        found = [o for o in self.world if _is_about(need.fact, key, o)]
        if need.fact is f.NAMESPACE:
            told = any(isinstance(o, Namespace) for o in self.world)  # a case that has none says nothing of any
            return found[0] if found else (Absent if told else Gap)(f"namespace {key.namespace}", "not found")
        return tuple(found)

    def _holder(self, key: AddressKey) -> Holder | Gap:
        """Never nobody: a case holds only what it is about, and observes what else is to be known."""
        pods = of_pods(o for o in self.world if isinstance(o, Pod))
        known = pods | of_nodes(o for o in self.world if isinstance(o, Node))
        return known.get(key.address, Gap(f"whom {key.address} belongs to", "the case does not tell"))

    def _node(self, key: NodeKey) -> Node | Gap:
        nodes = (o for o in self.world if isinstance(o, Node) and o.metadata.name == key.name)
        return next(nodes, Gap(f"node/{key.name}", "the case does not tell"))

    def _config_map(self, key: ConfigMapKey) -> ConfigMap | Gap:
        held = (o for o in self.world if isinstance(o, ConfigMap))
        mine = (o for o in held if ConfigMapKey(o.metadata.namespace, o.metadata.name) == key)
        return next(mine, Gap(f"configmap/{key.name}", "the case does not tell"))

    def _events(self, key: PodKey | WorkloadKey) -> Iterator[Event]:
        for value in self.world:
            if isinstance(value, Event) and value.involved_object.name == key.name:
                yield value

    def _workload(self, key: PodKey) -> Workload | Gap:
        """The topmost owner, two steps up at most: ReplicaSet, Deployment."""
        by_name = {(type(o).__name__ if isinstance(o, Pod) else getattr(o, "kind", ""), o.metadata.name): o
                   for o in self.world if o.metadata.namespace == key.namespace}  # fmt: skip
        found = by_name.get(("Pod", key.name))
        for _ in range(2):
            for owner in (found.metadata.owner_references if found else None) or ():
                found = by_name.get((owner.kind, owner.name), found)
        return found if isinstance(found, Workload) else Gap(f"the workload of pod/{key.name}", "nothing made it")


def _is_about(fact: Fact[Any], key: Any, value: SeenObject) -> bool:
    """Whether an object belongs to the answer of a fact about several objects."""
    if isinstance(key, SelectorKey):
        return isinstance(value, Pod) and carries(value.metadata.labels, dict(key.labels))
    if fact is f.SERVICES_NAMED:
        return isinstance(value, Service) and value.metadata.name == key.name
    if fact is f.NAMESPACE:
        return isinstance(value, Namespace) and value.metadata.name == key.namespace
    kinds: dict[Fact[Any], type[Any]] = {
        f.PODS_IN: Pod, f.WORKLOADS_IN: Workload, f.SERVICES_IN: Service, f.POLICIES_IN: NetworkPolicy,
        f.SLICES_IN: EndpointSlice,
    }  # fmt: skip
    return isinstance(value, kinds[fact]) and value.metadata.namespace == key.namespace


@dataclass(frozen=True)
class Run:
    """What a diagnosis of a case said, and the facts it learnt on the way."""

    diagnosis: Diagnosis
    answers: dict[Need, Any]
    vantages: tuple[Vantage, ...]

    @property
    def root(self) -> str | None:
        """The root's name, or None."""
        return self.diagnosis.root.name if self.diagnosis.root else None

    def of(self, cause: Cause) -> Root | Note | None:
        """The root; of a case about a note that note, which no root may stand beside."""
        if not cause.note:
            return self.diagnosis.root
        assert self.found == []
        return next((n for n in self.diagnosis.notes if n.name == cause.slug), None)

    @property
    def found(self) -> list[str]:
        """Every finding's name: roots and chains of all paths."""
        return [r.name for p in self.diagnosis.paths for r in ((p.root,) if p.root else ()) + p.chain]


def run(case: Case, name: str, depth: Depth = Depth.PODS, without: Collection[Fact[Any]] = ()) -> Run:
    """Diagnose refused or healthy as a cluster would show it."""
    world = case.world(name)
    places = case.expected.vantages
    target = case.target
    learner = CaseLearner(world, case.observed(name), target.namespace, depth, without, places, target.in_cluster)
    told = diagnose(case.target, CaseSource(world, case.taken(name)), learner, depth=depth)
    return Run(told, learner.answers, learner.vantages())


def run_files(case: Case, name: str, folder: Path) -> Run:
    """Diagnose refused or healthy from what a person would have written of it; `folder` takes the file."""
    file = folder / f"{name}.yaml"
    file.write_text(manifests(case, name))
    source = FilesSource([str(file)], namespace=case.target.namespace, with_entrances=case.target.is_entrance)
    prober = Prober([FileFacts()], probe_context(depth=Depth.NONE))
    return Run(diagnose(case.target, source, prober, depth=Depth.NONE), {}, (Vantage("files"),))
