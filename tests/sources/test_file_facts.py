"""Facts about objects, answered from manifests."""

from __future__ import annotations

import io
from typing import Any

import pytest

from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import FactStore, NameKey, NamespaceKey, Need, PodKey, SelectorKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import fold
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.base import Ledger, ProbeContext, ProbeSettings
from kubectl_refused.sources.file_facts import FileFacts
from kubectl_refused.sources.files import FilesSource

TEXT = b"""
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: other}}
---
{apiVersion: v1, kind: Pod, metadata: {name: lone, namespace: shop, labels: {app: web, tier: core}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: other}
spec: {template: {metadata: {labels: {app: web}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: orphan, namespace: shop, ownerReferences: [{kind: ReplicaSet, name: gone, controller: true}]}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-by-hand, namespace: shop}}
"""


def _learn(fact: f.Fact[Any], subject: Any) -> Any:
    target = Target("web", "shop")
    snapshot = fold(FilesSource(["-"], stdin=io.BytesIO(TEXT)).read(target), origin="files")
    nothing: Any = None
    context = ProbeContext(nothing, target, snapshot, FactStore(), ProbeSettings(), Ledger(), "files")
    ((need, value),) = FileFacts().learn([Need(fact, subject)], context)
    assert need == Need(fact, subject)
    return value


def _names(values: Any) -> list[tuple[str, str]]:
    return [(value.metadata.namespace, value.metadata.name) for value in values]


@pytest.mark.parametrize(
    ("fact", "subject", "names"),
    [
        (f.PODS_IN, NamespaceKey("shop"), [("shop", "lone"), ("shop", "orphan")]),
        (f.PODS_IN, NamespaceKey("none"), []),
        (f.WORKLOADS_IN, NamespaceKey("other"), [("other", "web")]),
        (f.SERVICES_IN, NamespaceKey("shop"), [("shop", "web")]),
        (f.SLICES_IN, NamespaceKey("shop"), [("shop", "web-by-hand")]),
        (f.SERVICES_NAMED, NameKey("web"), [("shop", "web"), ("other", "web")]),
        (f.PODS_ELSEWHERE, SelectorKey((("app", "web"),)), [("shop", "lone"), ("other", "web")]),
        (f.PODS_ELSEWHERE, SelectorKey((("app", "web"), ("tier", "core"))), [("shop", "lone")]),
        (f.POLICIES_IN, NamespaceKey("shop"), [("shop", "deny")]),
    ],
)
def test_several_objects(fact: f.Fact[Any], subject: Any, names: list[tuple[str, str]]) -> None:
    assert _names(_learn(fact, subject)) == names


def test_one_object() -> None:
    assert _learn(f.NAMESPACE, NamespaceKey("shop")).metadata.name == "shop"
    assert _learn(f.WORKLOAD, PodKey("other", "web")).kind == "Deployment"


@pytest.mark.parametrize(
    ("fact", "subject", "what"),
    [
        (f.NAMESPACE, NamespaceKey("other"), "namespace other"),
        (f.WORKLOAD, PodKey("shop", "lone"), "the workload of pod/lone"),
        (f.WORKLOAD, PodKey("shop", "none"), "the workload of pod/none"),
        (f.WORKLOAD, PodKey("shop", "orphan"), "replicaset/gone"),
        (f.EVENTS, PodKey("shop", "lone"), "events"),
    ],
)
def test_what_files_do_not_tell_is_a_gap(fact: f.Fact[Any], subject: Any, what: str) -> None:
    gap = _learn(fact, subject)
    assert isinstance(gap, Gap)
    assert gap.what == what


def test_every_fact_about_objects_is_answered() -> None:
    assert FileFacts.facts == {fact for fact in f.ALL if fact.depth is Depth.NONE} | {f.CONFIG_MAP}
