"""Admission webhooks that change, deny, or are down: named in the report, and nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .leaves_nothing import leaves_nothing
from .leaves_nothing_webhook import denying, patching, webhook
from .small_shop import HEALTHY, IMAGE, WRONG, assert_nothing_left, furnish
from .tool import Answer, refused

SIDECAR = {
    "name": "sidecar",
    "image": IMAGE,
    "command": ["sleep", "1000"],
    "securityContext": {"runAsUser": 1000},
}
# As service meshes and policy engines do; `~1` is a slash (RFC 6901).
CHANGES = patching(
    {"op": "add", "path": "/spec/containers/-", "value": SIDECAR},
    {"op": "add", "path": "/metadata/labels/gate.test~1seen", "value": "yes"},
    {"op": "add", "path": "/metadata/annotations/gate.test~1note", "value": "\x1b]0;owned\x07"},
    {"op": "add", "path": "/spec/tolerations/-", "value": {"key": "gate", "operator": "Exists"}},
)
FIRST = patching({"op": "add", "path": "/spec/containers/0", "value": SIDECAR})
JOBS = (("batch", "jobs"),)
EITHER = (("batch", "jobs"), ("", "pods"))


def diagnosed(cluster: Cluster, namespace: str, *words: str) -> Answer:
    """A run that ended in a report."""
    answer = refused(cluster.kubeconfig, *words, "-n", namespace, "-o", "json")
    assert "Traceback" not in answer.err, answer
    assert answer.report["kind"] == "Diagnosis"
    return answer


def gap_of(answer: Answer) -> dict[str, Any]:
    """The one reason why the probe pod told nothing, after checking that other witnesses answered."""
    assert (answer.code, answer.report["outcome"]) == (3, "accepted"), answer
    (gap,) = answer.report["gaps"]
    found: dict[str, Any] = gap
    assert found["what"] == "probe pod"
    assert "\n" not in found["because"]
    return found


@pytest.mark.parametrize("changes", [CHANGES, FIRST], ids=["sidecar and more", "sidecar comes first"])
def test_a_sidecar_that_is_injected_into_the_probe_pod(
    cluster: Cluster, namespace: str, tmp_path: Path, changes: Any
) -> None:
    furnish(cluster, namespace, [HEALTHY, WRONG])
    with leaves_nothing(cluster, namespace), webhook(cluster, namespace, tmp_path, changes) as asked:
        healthy = diagnosed(cluster, namespace, "svc/web")
        assert (healthy.code, healthy.report["gaps"]) == (0, []), healthy
        wrong = diagnosed(cluster, namespace, "svc/wrong")
        assert (wrong.code, wrong.root) == (1, "wrong-target-port"), wrong
        assert {thing["kind"] for thing in asked} == {"Pod"}


@pytest.mark.parametrize("resources", [JOBS, (("", "pods"),)], ids=["jobs", "pods"])
def test_a_webhook_that_denies(
    cluster: Cluster, namespace: str, tmp_path: Path, resources: tuple[tuple[str, str], ...]
) -> None:
    furnish(cluster, namespace, [HEALTHY])
    says = denying("only images of the house may run here")
    hook = webhook(cluster, namespace, tmp_path, says, resources=resources, kind="validating")
    with leaves_nothing(cluster, namespace), hook as asked:
        gap = gap_of(diagnosed(cluster, namespace, "svc/web"))
        assert 'admission webhook "gate.refused.test" denied the request' in gap["because"]
        assert "only images of the house may run here" in gap["because"]
        assert asked


@pytest.mark.parametrize("resources", [JOBS, (("", "pods"),), EITHER], ids=["jobs", "pods", "both"])
def test_a_webhook_that_is_down(
    cluster: Cluster, namespace: str, tmp_path: Path, resources: tuple[tuple[str, str], ...]
) -> None:
    furnish(cluster, namespace, [HEALTHY])
    hook = webhook(cluster, namespace, tmp_path, None, resources=resources, kind="validating")
    with leaves_nothing(cluster, namespace), hook:
        gap = gap_of(diagnosed(cluster, namespace, "svc/web"))
    assert 'failed calling webhook "gate.refused.test"' in gap["because"]
    assert "connection refused" in gap["because"]


def test_hostile_words_of_a_webhook_do_not_steer_the_terminal(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    furnish(cluster, namespace, [HEALTHY])
    says = denying("\x1b]0;owned\x07\u202egnp\r\nFAKE ::error::pwned")
    with leaves_nothing(cluster, namespace), webhook(cluster, namespace, tmp_path, says, kind="validating"):
        answer = refused(cluster.kubeconfig, "svc/web", "-n", namespace)
    assert answer.code == 3, answer
    assert "denied the request" in " ".join(answer.out.split())
    assert not set("\x1b\x07\u202e\r") & set(answer.out + answer.err)


def test_limits_that_ask_for_more_than_the_probe_takes(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [HEALTHY])
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "big"},
        "spec": {"limits": [{"type": "Container", "min": {"memory": "64Gi"}}]},
    }
    cluster.apply(json.dumps(limits), namespace=namespace)
    with leaves_nothing(cluster, namespace):
        gap = gap_of(diagnosed(cluster, namespace, "svc/web"))
    assert "minimum memory usage per Container is 64Gi" in gap["because"]


def test_limits_that_the_probe_can_keep_to_are_kept(cluster: Cluster, namespace: str) -> None:
    """Every bound that a LimitRange has, overstepped at once: the second Job asks for what they allow."""
    furnish(cluster, namespace, [HEALTHY])
    bounds = {"min": {"cpu": "60m", "memory": "96Mi"}, "max": {"cpu": "400m", "memory": "128Mi"}}
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "narrow"},
        "spec": {
            "limits": [
                {"type": "Container", **bounds, "maxLimitRequestRatio": {"cpu": "2"}},
                {"type": "Pod", **bounds},
            ]
        },
    }
    cluster.apply(json.dumps(limits), namespace=namespace)
    with leaves_nothing(cluster, namespace):
        answer = diagnosed(cluster, namespace, "svc/web")
    assert (answer.code, answer.report["depth"], answer.report["gaps"]) == (0, "packets", []), answer
    assert [entry["undone"] for entry in answer.report["touched"]] == ["deleted", "deleted"]


def test_a_namespace_that_goes_away_before_the_probe_pod_comes(cluster: Cluster, tmp_path: Path) -> None:
    namespace = fresh_namespace(cluster)
    furnish(cluster, namespace, [HEALTHY])

    def late(thing: dict[str, Any]) -> dict[str, Any]:
        # The namespace goes between the tool's reads and its create.
        cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")
        return {"allowed": True}

    with webhook(cluster, namespace, tmp_path, late, resources=JOBS) as asked:
        answer = diagnosed(cluster, namespace, "svc/web")
    assert asked
    assert (answer.code in (1, 3), answer.err) == (True, ""), answer
    (gap,) = [gap for gap in answer.report["gaps"] if gap["what"] == "probe pod"]
    assert gap["because"], answer
    assert_nothing_left(cluster, namespace, within=40.0)
