"""Custom resources among manifests: pods that they promise, and pods that nobody sees."""

from __future__ import annotations

import io

from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose
from kubectl_refused.probes.prober import Prober
from kubectl_refused.sources.file_facts import FileFacts
from kubectl_refused.sources.files import FilesSource
from tests.fakes import probe_context

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {SELECTOR: web}, ports: [{port: 80}]}
---
"""
ROLLOUT = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}
"""
CLUSTER = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg}\n"
MONITOR = "---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: web}\n"
TARGET = Target("web", "default")


def source(text: str, selector: str = "app") -> FilesSource:
    return FilesSource(["-"], stdin=io.BytesIO((SERVICE.replace("SELECTOR", selector) + text).encode()))


def snapshot(text: str, selector: str = "app") -> Snapshot:
    return fold(source(text, selector).read(TARGET), origin="files")


def root(text: str, selector: str = "app") -> str | None:
    prober = Prober([FileFacts()], probe_context(depth=Depth.NONE), deepest=Depth.NONE)
    told = diagnose(TARGET, source(text, selector), prober, depth=Depth.NONE)
    return told.root.name if told.root else None


def test_a_pod_template_promises_pods_whatever_its_kind() -> None:
    held = snapshot(ROLLOUT)
    assert held.gaps == ()
    pod = held.pod("default", "web")
    assert pod is not None
    assert [owner.kind for owner in pod.metadata.owner_references or ()] == ["Rollout.argoproj.io"]
    assert root(ROLLOUT) is None
    assert root(ROLLOUT.replace("app: web", "app: wbe")) == "selector-matches-nothing"


def test_others_are_named_in_one_line() -> None:
    (gap,) = snapshot(CLUSTER + MONITOR).gaps
    assert gap.what == "Cluster pg in stdin:7 and 1 more custom resources"
    assert gap.because == "what their controllers make is not in the files"
    (gap,) = snapshot(MONITOR).gaps
    assert (gap.what, gap.because[:23]) == ("ServiceMonitor web in stdin:8", "what its controller mak")


def test_a_selector_of_its_labels_is_no_proof_of_a_mistake() -> None:
    assert root(CLUSTER) == "selector-matches-nothing"
    assert root(CLUSTER, "cnpg.io/cluster") is None
    assert root(MONITOR, "cnpg.io/cluster") == "selector-matches-nothing"


def test_where_a_workload_is_not_understood_nothing_is_proved_of_pods() -> None:
    odd = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: many}\n"
    assert root(odd) is None
    assert root(ROLLOUT.replace("app: web", "app: '${APP}'")) is None


def test_what_is_no_object_is_left_alone() -> None:
    values = "replicaCount: 1\n---\nkind: 1\napiVersion: x.y/v1\n---\n- a\n---\n"
    values += "kind: A\napiVersion: x.y/v1\nmetadata: 1\n"
    assert snapshot(values).gaps == ()
    builtin = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\n"
    assert snapshot(builtin).gaps == ()
