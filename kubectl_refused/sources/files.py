"""Manifest files as a source. They are a closed world: what is not in them does not exist."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from kubectl_refused.decoders import converted
from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.model import entrances, objects, openshift
from kubectl_refused.model.gaps import Aside, Gap
from kubectl_refused.model.objects import KubernetesObject, Pod, Service, Workload
from kubectl_refused.model.snapshot import Change, Coverage, key_of
from kubectl_refused.model.target import Target

from .custom_kinds import Custom, custom, may_be_selected, told
from .manifests import Document, documents
from .placeholders import Placeholder, placeholder
from .promised_pods import promised_pods

Key = tuple[str, str, str]
Kinds = dict[str, tuple[str, Any]]
Value = KubernetesObject | entrances.EntranceObject
Kept = dict[Key, tuple[Value, Document]]
_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")
# Kind to (API group, type). The group tells a core Service from, say, serving.knative.dev/v1 Service.
_KINDS: Kinds = {
    "Service": ("", objects.Service),
    "Pod": ("", objects.Pod),
    "Namespace": ("", objects.Namespace),
    "ConfigMap": ("", objects.ConfigMap),
    "EndpointSlice": ("discovery.k8s.io", objects.EndpointSlice),
    "NetworkPolicy": ("networking.k8s.io", objects.NetworkPolicy),
    **{kind: ("batch" if kind.endswith("Job") else "apps", objects.Workload) for kind in _WORKLOADS},
}
# Told of where one of them is asked about: who asks about Services need not have them in order.
_ENTRANCES: Kinds = {
    "Ingress": ("networking.k8s.io", entrances.Ingress),
    "Route": (openshift.ROUTE_GROUP, openshift.OpenShiftRoute),
    "IngressClass": ("networking.k8s.io", entrances.IngressClass),
    **{
        type_.__name__: (entrances.GATEWAY_GROUP, type_)
        for type_ in (
            entrances.Gateway,
            entrances.GatewayClass,
            entrances.HTTPRoute,
            entrances.GRPCRoute,
            entrances.TLSRoute,
            entrances.TCPRoute,
            entrances.ReferenceGrant,
        )
    },
}


class FilesSource:
    """Reads the files once, on first use. `now` gives seconds since the epoch.

    `namespace` is that of objects which name none, as `kubectl apply -n` would put them. With `with_entrances`
    Ingresses, Gateways and routes are read as well.
    """

    origin = "files"

    def __init__(
        self,
        paths: Sequence[str],
        *,
        recursive: bool = False,
        stdin: BinaryIO | None = None,
        namespace: str = "default",
        now: Callable[[], float] = time.time,
        with_entrances: bool = False,
    ) -> None:
        self._paths, self._recursive, self._now = tuple(paths), recursive, now
        self._stdin = stdin if stdin is not None else io.BytesIO()
        self._namespace = namespace
        self._kinds = _KINDS | (_ENTRANCES if with_entrances else {})
        self._changes: tuple[Change, ...] | None = None

    def read(self, target: Target) -> Iterable[Change]:
        """Everything in the files, whatever the target. Raises ManifestProblem."""
        return self._load()

    def services(self) -> list[tuple[str, str]]:
        """(namespace, name) of every Service, in the files' order. Raises ManifestProblem."""
        values = [change.value for change in self._load()]
        return [(v.metadata.namespace, v.metadata.name) for v in values if isinstance(v, Service)]

    def gaps(self) -> list[Gap]:
        """What was not understood, and what is told beside. Raises ManifestProblem."""
        return [change.gap for change in self._load() if change.gap]

    def _load(self) -> tuple[Change, ...]:
        if self._changes is None:
            found = documents(self._paths, recursive=self._recursive, stdin=self._stdin)
            self._changes = tuple(_changes(found, self._kinds, self._namespace, self._now()))
        return self._changes


def _changes(found: Iterable[Document], kinds: Kinds, namespace: str, at: float) -> Iterator[Change]:
    """Objects, promised pods, gaps, and coverage of each kind of which every object was understood."""
    kept: Kept = {}
    odd: set[str] = set()
    customs: list[Custom] = []
    for document in found:
        kind = _kind(document.value, kinds)
        other = custom(document.value, document.line) if kind is None else None
        if other:
            customs.append(other)
        if kind is None and not (other and other.templated):
            continue
        gaps, value = _understood(kind, other, document, kinds, namespace)
        yield from (Change(at, gap=gap) for gap in gaps)
        if value is None:
            odd.add(kind or "Pod")
            continue
        key = key_of(value)
        if key in kept and kept[key][0] != value:
            yield Change(at, gap=_twice(key, kept[key][1].line, document.line))
        # Without the value: it has been decoded, and files may be large.
        kept[key] = (value, dataclasses.replace(document, value=None))
    yield from _known(kept, kinds, customs, odd, at)


def _known(kept: Kept, kinds: Kinds, customs: Sequence[Custom], odd: set[str], at: float) -> Iterator[Change]:
    """What all documents together make."""
    yield from (Change(at, value=value, line=d.line, passage=d.passage) for value, d in kept.values())
    yield from _promised(kept, at)
    if untold := told(customs):
        yield Change(at, gap=untold)
    if may_be_selected(customs, (value for value, _ in kept.values() if isinstance(value, Service))):
        odd.add("Pod")
    yield from (Change(at, covered=Coverage(kind, "")) for kind in kinds if not _unsure(kind, odd))


def _understood(
    kind: str | None, other: Custom | None, document: Document, kinds: Kinds, namespace: str
) -> tuple[list[Gap], Value | None]:
    """The object, None for what is none, and what is to be told of it."""
    name = kind or (other.kind if other else "")
    gaps: list[Gap] = [_doubled(name, document, key, line) for key, line in document.twice]
    if left := placeholder(document.value):
        return [*gaps, _left(name, document, left)], None
    try:
        return gaps, _decode(name, document.value, kinds, namespace)
    except msgspec.ValidationError as error:
        return [*gaps, _odd(name, document, error)], None


def _unsure(kind: str, odd: set[str]) -> bool:
    """Whether objects of a kind may be missing: one was not understood, or one that promises pods."""
    return kind in odd or (kind == "Pod" and any(workload in odd for workload in _WORKLOADS))


def _promised(kept: Kept, at: float) -> Iterator[Change]:
    values = [value for value, _ in kept.values()]
    workloads = [value for value in values if isinstance(value, Workload)]
    for pod, workload in promised_pods(workloads, [value for value in values if isinstance(value, Pod)]):
        document = kept[key_of(workload)][1]
        steps = (*(("spec", "jobTemplate") if workload.kind == "CronJob" else ()), "spec", "template")
        passage = document.passage and document.passage.within(*steps)
        yield Change(at, value=pod, line=document.line, passage=passage)


def _kind(value: Any, kinds: Kinds) -> str | None:
    """The document's kind if it is one that matters here; a missing apiVersion is forgiven."""
    if not isinstance(value, dict):
        return None
    kind, version = value.get("kind"), value.get("apiVersion") or ""
    if not isinstance(kind, str) or kind not in kinds or not isinstance(version, str):
        return None
    group = version.rpartition("/")[0]
    return kind if not version or group == kinds[kind][0] else None


def _decode(kind: str, raw: dict[str, Any], kinds: Kinds, namespace: str) -> Value:
    """The object as a Struct, with its namespace. Raises msgspec.ValidationError."""
    type_ = kinds[kind][1] if kind in kinds else Workload
    raw = raw if kind in kinds else {**raw, "kind": kind}
    shaped = _cron_job(raw) if kind == "CronJob" else raw
    if not shaped.get("status"):  # `status: {}` is what kubectl create --dry-run writes
        shaped = {key: part for key, part in shaped.items() if key != "status"}
    value: Any = converted(shaped, type_)
    metadata = value.metadata
    if not metadata.name:
        raise msgspec.ValidationError("Object has no name - at `$.metadata.name`")
    if kind in ("IngressClass", "GatewayClass"):
        metadata = msgspec.structs.replace(metadata, namespace="")
    elif kind == "Namespace":
        # The API server sets this label on every Namespace (KEP-2161), and policies select by it.
        labels = {**(metadata.labels or {}), "kubernetes.io/metadata.name": metadata.name}
        metadata = msgspec.structs.replace(metadata, labels=labels, namespace="")
    else:
        metadata = msgspec.structs.replace(metadata, namespace=metadata.namespace or namespace)
    result: Value = msgspec.structs.replace(value, metadata=metadata)
    return result


def _cron_job(raw: dict[str, Any]) -> dict[str, Any]:
    """A CronJob in the shape of the other workloads; a suspended one has no replicas."""
    spec = raw.get("spec")
    job = spec.get("jobTemplate") if isinstance(spec, dict) else None
    job_spec = job.get("spec") if isinstance(job, dict) else None
    if not isinstance(spec, dict) or not isinstance(job_spec, dict):
        raise msgspec.ValidationError("Object has no pod template - at `$.spec.jobTemplate.spec`")
    return {**raw, "spec": {**job_spec, "replicas": 0} if spec.get("suspend") is True else job_spec}


def _odd(kind: str, document: Document, error: msgspec.ValidationError) -> Gap:
    return Gap(
        f"{_named(kind, document)} in {document.line}",
        f"it does not read as a {kind}: {shown(str(error))}",
        "mend it there",
    )


def _left(kind: str, document: Document, left: Placeholder) -> Gap:
    at = document.passage.line_of(left.path) if document.passage else 0
    line = f"{document.line.rpartition(':')[0]}:{at}" if at else document.line
    says = f"{shown(left.path)} holds {shown(left.text)}, which nobody has filled in"
    return Gap(f"{_named(kind, document)} in {line}", says, left.cure)


def _doubled(kind: str, document: Document, key: str, line: int) -> Aside:
    what = f"{_named(kind, document)} in {document.line.rpartition(':')[0]}:{line}"
    return Aside(what, f"the key {shown(key)} is there twice, and the last one counts", "remove one of the two")


def _named(kind: str, document: Document) -> str:
    metadata = document.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{kind} {shown(str(name))}" if name else f"a {kind}"


def _twice(key: Key, first: str, second: str) -> Aside:
    kind, namespace, name = key
    return Aside(
        f"{kind} {name} in namespace {namespace} of {first}" if namespace else f"{kind} {name} of {first}",
        f"{second} defines it again, and the last one counts",
        "remove one of the two",
    )


def nothing_found(paths: Sequence[str], gaps: Iterable[Gap] = ()) -> ManifestProblem:
    """The problem for files without any Service: why one is none, if there is one."""
    for gap in gaps:
        if gap.what.startswith(("Service ", "a Service ")) and not isinstance(gap, Aside):
            return ManifestProblem(f"{gap.what}: {gap.because}", gap.remedy)
    return ManifestProblem(f"there is no Service in {shown(', '.join(paths))}", "give -f manifests with a Service")
