"""A case folder.

    tests/cases/<hop>/<fault>/refused.yaml   healthy.yaml   expect.yaml
                              [observations.yaml]   [healthy_observations.yaml]
                              [refused-HOW.yaml   [observations-HOW.yaml]]

refused-HOW.yaml is the same fault in another dress: the root must be the same, the rest of expect.yaml is about
refused.yaml.

refused.yaml and healthy.yaml hold objects as an API server gives them, pods with their status. They go through
the same decoding as real ones. What probes would see is in the observations (observations.py); what neither
holds becomes a Gap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kubectl_refused.causes import Cause, catalogue
from kubectl_refused.model.containers import Engine, EngineContainer, EngineNetwork
from kubectl_refused.model.entrances import (
    Gateway,
    GatewayClass,
    GRPCRoute,
    HTTPRoute,
    Ingress,
    IngressClass,
    ReferenceGrant,
    TCPRoute,
    TLSRoute,
)
from kubectl_refused.model.facts import Need
from kubectl_refused.model.mesh import MESH_TYPES
from kubectl_refused.model.objects import (
    ConfigMap,
    EndpointSlice,
    Event,
    Namespace,
    NetworkPolicy,
    Node,
    Pod,
    Service,
)
from kubectl_refused.model.openshift import OpenShiftRoute
from kubectl_refused.model.registrations import (
    APIService,
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)
from kubectl_refused.model.snapshot import Change, SeenObject, Snapshot, fold
from kubectl_refused.model.target import Target, Vantage
from kubectl_refused.resolve.places import place_of
from kubectl_refused.sources.decoding import decode, decode_workload
from kubectl_refused.sources.urls import owner_in
from kubectl_refused.trace.address_owners import Owners, owner_of

from .observations import load_observations

CASES = Path(__file__).parent / "cases"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")
ENTRANCE_TYPES = (
    Ingress, IngressClass, Gateway, GatewayClass, HTTPRoute, GRPCRoute, TCPRoute, TLSRoute, ReferenceGrant,
    ValidatingWebhookConfiguration, MutatingWebhookConfiguration, APIService, OpenShiftRoute,
)  # fmt: skip
_TYPES: dict[str, type[Any]] = {
    t.__name__: t for t in (Service, EndpointSlice, Pod, NetworkPolicy, Namespace, Event, Node, ConfigMap)
} | {t.__name__: t for t in (Engine, EngineContainer, EngineNetwork, *ENTRANCE_TYPES)}
_TYPES["Route"] = OpenShiftRoute  # the kind that OpenShift calls so


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """expect.yaml. `objects` and `files` are the roots from objects alone and from manifests; absent means that
    nothing is proved there. `depth` is how deep the proof went, `chain` what must follow the root. `vantages` are
    the clients that dial (observations name theirs by `at`); without any it is one probe pod."""

    target: str
    root: str
    namespace: str = "default"
    certainty: str = "proved"
    depth: str | None = None
    chain: tuple[str, ...] = ()
    objects: str | None = None
    files: str | None = None
    vantages: tuple[Vantage, ...] = ()


@dataclass(frozen=True)
class Case:
    """One folder. Its path is that of its cause: <hop>/<fault>."""

    folder: Path

    def __str__(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def cause(self) -> Cause:
        """The cause whose case this is. Raises StopIteration without one."""
        return next(c for c in catalogue() if f"{c.hop}/{c.name}" == str(self))

    @property
    def expected(self) -> Expectation:
        return msgspec.convert(yaml.safe_load((self.folder / "expect.yaml").read_text()), Expectation)

    @property
    def target(self) -> Target:
        """`svc/web:80` in the expectation's namespace, or `docker/web:80`."""
        elsewhere = place_of(self.expected.target)
        routed = elsewhere and elsewhere.path and self._routed(elsewhere)
        if routed:
            return routed
        owned = self._owner(elsewhere) if elsewhere and elsewhere.kind == "Address" else None
        if owned:
            return replace(owned, namespace=owned.namespace or self.expected.namespace)
        if elsewhere and elsewhere.in_cluster:
            return replace(elsewhere, namespace=self.expected.namespace)
        if elsewhere:
            return elsewhere
        name, _, port = self.expected.target.removeprefix("svc/").partition(":")
        return Target(name, self.expected.namespace, port or None)

    def _routed(self, url: Target) -> Target | None:
        """The entrance that names its host, or one that is nearly the same."""
        seen = snapshot_of(self.world("refused"))
        return owner_in(url, seen) or owner_in(url, seen, near=True)

    def _owner(self, address: Target) -> Target | None:
        """What has the address, in a case with nodes; a case without a cluster has none."""
        world = self.world("refused")
        nodes = [one for one in world if isinstance(one, Node)]
        services = [one for one in world if isinstance(one, Service)]
        return owner_of(address, Owners(services, nodes)) if nodes else None

    def documents(self, name: str) -> list[dict[str, Any]]:
        """The YAML documents of refused.yaml, healthy.yaml or refused-HOW.yaml."""
        return [d for d in yaml.safe_load_all((self.folder / f"{name}.yaml").read_text()) if d]

    def world(self, name: str) -> tuple[SeenObject, ...]:
        """The same, decoded as a cluster's answers are."""
        return tuple(decoded(d) for d in self.documents(name))

    def taken(self, name: str) -> float:
        """When it was captured: the latest time any object names, in seconds since the epoch."""
        text = (self.folder / f"{name}.yaml").read_text()
        times = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
        return max((datetime.fromisoformat(t).timestamp() for t in times), default=0.0)

    @property
    def dresses(self) -> list[str]:
        """`refused` and each `refused-HOW`."""
        return ["refused", *sorted(p.stem for p in self.folder.glob("refused-*.yaml"))]

    def observed(self, name: str) -> dict[Need, Any]:
        """What probes saw of it."""
        prefix, _, how = name.partition("-")
        file = f"observations-{how}.yaml" if how else "observations.yaml"
        return load_observations(self.folder / (file if prefix == "refused" else f"{name}_observations.yaml"))


def cases() -> list[Case]:
    """Every case folder, by hop and fault."""
    return [Case(p.parent) for p in sorted(CASES.glob("*/*/expect.yaml"))]


def snapshot_of(world: tuple[SeenObject, ...]) -> Snapshot:
    return fold(Change(0.0, value=value) for value in world)


def decoded(document: dict[str, Any]) -> SeenObject:
    """One object as sources/decoding.py reads it from an API server."""
    raw = msgspec.json.encode(document)
    kind: str = document["kind"]
    if kind in WORKLOADS:
        return decode_workload(raw, kind)
    group = document.get("apiVersion", "").partition("/")[0]
    value: SeenObject = decode(raw, MESH_TYPES[group, kind][0] if (group, kind) in MESH_TYPES else _TYPES[kind])
    return value


def manifests(case: Case, name: str) -> str:
    """What a person would have written of the case: no status, nothing a controller made."""
    written = []
    for document in case.documents(name):
        made = any(o.get("controller") for o in document["metadata"].get("ownerReferences", ()))
        if not made and document["kind"] != "Event":
            written.append({key: value for key, value in document.items() if key != "status"})
    return yaml.safe_dump_all(written)
