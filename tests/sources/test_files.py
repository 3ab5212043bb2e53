"""Manifest files as Changes: kinds, namespaces, lines, odd and repeated objects, coverage."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kubectl_refused.errors import ManifestProblem
from kubectl_refused.model.objects import Namespace, Pod, Service, Workload
from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import Target
from kubectl_refused.sources.files import FilesSource

TARGET = Target("web", "shop")
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"


def _read(text: str, namespace: str = "default") -> Snapshot:
    source = FilesSource(["-"], stdin=io.BytesIO(text.encode()), namespace=namespace, now=lambda: 7.0)
    return fold(source.read(TARGET), origin=source.origin)


def _workload(kind: str, version: str, spec: str = "", name: str = "web") -> str:
    template = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}"
    parts = ", ".join(part for part in (spec, template) if part)
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{parts}}}\n---\n"


def test_namespaces_and_lines() -> None:
    snapshot = _read(f"# comment\n---\n{SERVICE}---\n{SERVICE.replace('web', 'api, namespace: shop')}", "asked")
    assert isinstance(snapshot.service("asked", "web"), Service)
    assert isinstance(snapshot.service("shop", "api"), Service)
    assert snapshot.lines[("Service", "asked", "web")] == "stdin:3"
    assert snapshot.lines[("Service", "shop", "api")] == "stdin:8"
    assert snapshot.origin == "files"


def test_lists_are_flattened_with_a_line_for_each_item() -> None:
    item = "- apiVersion: v1\n  kind: Service\n  metadata: {name: %s}\n"
    snapshot = _read("apiVersion: v1\nkind: List\nitems:\n" + item % "a" + item % "b")
    assert [snapshot.lines[("Service", "default", name)] for name in "ab"] == ["stdin:4", "stdin:7"]
    typed = _read("apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: a}\n")
    assert typed.service("default", "a") is not None


def test_json_with_several_documents() -> None:
    one = '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "%s"}}'
    snapshot = _read(f"{one % 'a'}\n\t{one % 'b'}\n")
    assert snapshot.lines[("Service", "default", "b")] == "stdin:2"


def test_other_kinds_and_other_groups_are_left_out() -> None:
    other = SERVICE.replace("v1", "serving.knative.dev/v1")
    assert _read(f"{other}---\nkind: ConfigMap\n---\n- a\n---\nx\n").objects == {}


def test_what_is_read_is_a_closed_world() -> None:
    snapshot = _read(SERVICE)
    assert all(snapshot.read(kind, "anywhere") for kind in ("Service", "Pod", "Deployment", "NetworkPolicy"))


def test_an_odd_object_is_a_gap_with_its_line_and_its_kind_is_not_covered() -> None:
    snapshot = _read(SERVICE + "---\n" + SERVICE.replace("port: 80", "port: http").replace("web", "api"))
    (gap,) = snapshot.gaps
    assert gap.what == "Service api in stdin:6"
    assert "`int`, got `str`" in gap.because
    assert "spec.ports" in gap.because
    assert snapshot.service("default", "web") is not None
    assert not snapshot.read("Service", "default")
    assert snapshot.read("Pod", "default")


def test_an_odd_workload_leaves_pods_uncovered() -> None:
    snapshot = _read("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: many}\n")
    assert not snapshot.read("Pod", "default")


def test_a_name_is_needed() -> None:
    (gap,) = _read("apiVersion: v1\nkind: Service\nmetadata: {generateName: web-}\n").gaps
    assert "a Service in stdin:1" in gap.what
    assert "no name" in gap.because


def test_of_two_the_last_one_counts() -> None:
    snapshot = _read(SERVICE + "---\n" + SERVICE.replace("80", "81"))
    service = snapshot.service("default", "web")
    assert service is not None
    assert service.spec.ports is not None
    assert service.spec.ports[0].port == 81
    (gap,) = snapshot.gaps
    assert gap.what == "Service web in namespace default of stdin:1"
    assert gap.because.startswith("stdin:6 defines it again")
    assert _read(SERVICE + "---\n" + SERVICE).gaps == ()


def test_a_namespace_has_the_label_the_api_server_adds() -> None:
    found = _read("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n").objects[("Namespace", "", "shop")]
    assert isinstance(found, Namespace)
    assert found.metadata.labels == {"kubernetes.io/metadata.name": "shop"}


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet", "Job"])
def test_a_workload_promises_a_pod(kind: str) -> None:
    snapshot = _read(_workload(kind, "batch/v1" if kind == "Job" else "apps/v1"))
    (pod,) = snapshot.pods("default")
    assert (pod.metadata.name, pod.status) == ("web", None)
    assert (pod.metadata.labels or {})["app"] == "web"
    assert pod.metadata.owner_references is not None
    assert (pod.metadata.owner_references[0].kind, pod.metadata.owner_references[0].name) == (kind, "web")
    assert snapshot.lines[("Pod", "default", "web")] == "stdin:1"


def test_zero_replicas_promise_nothing() -> None:
    snapshot = _read(_workload("Deployment", "apps/v1", "replicas: 0"))
    assert snapshot.pods("default") == ()
    assert isinstance(snapshot.objects[("Deployment", "default", "web")], Workload)


def test_each_pod_of_a_stateful_set_has_its_label() -> None:
    pods = _read(_workload("StatefulSet", "apps/v1", "replicas: 2")).pods("default")
    assert [pod.metadata.name for pod in pods] == ["web-0", "web-1"]
    assert (pods[1].metadata.labels or {})["statefulset.kubernetes.io/pod-name"] == "web-1"


def test_workloads_that_share_a_name_promise_two_pods() -> None:
    text = _workload("Deployment", "apps/v1") + _workload("DaemonSet", "apps/v1")
    assert {pod.metadata.name for pod in _read(text).pods("default")} == {"web", "web-daemonset"}


def test_a_cron_job_promises_a_pod_unless_suspended() -> None:
    text = (
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: tick}\n"
        "spec:\n  suspend: %s\n  jobTemplate:\n    spec:\n"
        "      template: {metadata: {labels: {app: tick}}, spec: {containers: []}}\n"
    )
    assert [pod.metadata.name for pod in _read(text % "false").pods("default")] == ["tick"]
    assert _read(text % "true").pods("default") == ()
    assert "no pod template" in _read("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n").gaps[0].because


def test_a_dump_of_a_cluster_promises_nothing_more() -> None:
    owner = "ownerReferences: [{kind: %s, name: %s, controller: true, uid: u}]"
    replica_set = _workload("ReplicaSet", "apps/v1", name="web-1").replace(
        "{name: web-1}", "{name: web-1, " + owner % ("Deployment", "web") + "}"
    )
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web-1-a, %s}\nstatus: {phase: Running}\n"
    text = _workload("Deployment", "apps/v1") + replica_set + pod % (owner % ("ReplicaSet", "web-1"))
    (found,) = _read(text).pods("default")
    assert found.metadata.name == "web-1-a"
    assert found.status is not None


def test_an_empty_status_is_none() -> None:
    found = _read("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nstatus: {}\n").objects[
        ("Pod", "default", "web")
    ]
    assert isinstance(found, Pod)
    assert found.status is None


def test_services_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(SERVICE)
    (tmp_path / "a.json").write_text('{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "z"}}')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.yaml").write_text(SERVICE.replace("web", "deep"))
    (tmp_path / "notes.txt").write_text("a: [")
    assert FilesSource([str(tmp_path)]).services() == [("default", "z"), ("default", "web")]
    assert ("default", "deep") in FilesSource([str(tmp_path)], recursive=True).services()


def test_files_are_read_once(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVICE)
    source = FilesSource([str(file)])
    first = list(source.read(TARGET))
    file.unlink()
    assert list(source.read(TARGET)) == first


def test_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(
        ManifestProblem, match=r"no \.yaml, \.yml, \.json file in this directory; name a file, or add -R"
    ):
        FilesSource([str(tmp_path)]).services()


def test_a_url_is_not_fetched() -> None:
    with pytest.raises(ManifestProblem, match="is a URL; fetch it first: curl"):
        FilesSource(["https://example.com/web.yaml"]).services()
