"""Slices that lead nowhere: endpoints by hand, endpoints of pods that are gone, pods that are missing in them."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any

from tests.cluster.api import Cluster

from .test_dial_any import by_hand
from .test_probe_pod import apply
from .tool import Answer, refused, says, until
from .witness_shop import DEPLOYMENT, pod, service, shell

SETTLE_SECONDS = 60.0
SERVER = shell("exec httpd -f -p 8080")
NOBODYS = "10.202.1.250"  # in node1's range of pod addresses, the last of which are given out last


def ask(cluster: Cluster, namespace: str, *words: str) -> Answer:
    return refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json", *words)


def until_root(cluster: Cluster, namespace: str, root: str | None, *words: str, text: str = "") -> Answer:
    """Ask until that is the root, with its exit code and the text."""
    answer = until(
        lambda: ask(cluster, namespace, *words),
        says(root, text=text),
        SETTLE_SECONDS,
    )
    assert (answer.root, answer.code) == (root, int(root is not None)), answer
    if root:
        assert answer.report["root"]["certainty"] == "proved", answer
    return answer


def running(cluster: Cluster, namespace: str, *names: str, **labels: str) -> dict[str, Any]:
    """Serving pods of those names with the labels; the last one as it is once all are ready."""
    made = [pod(name, SERVER) for name in names]
    for one in made:
        one["metadata"]["labels"] = labels or {"app": "web"}
    apply(cluster, namespace, *made)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    seen: dict[str, Any] = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/{names[-1]}")
    return seen


def test_an_endpoint_that_is_another_services_cluster_ip(cluster: Cluster, namespace: str) -> None:
    seen = running(cluster, namespace, "db", app="db")
    apply(cluster, namespace, service("db", {"app": "db"}, 80, 8080), service("web", None, 80, 0))
    address = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/services/db")["spec"]["clusterIP"]
    apply(cluster, namespace, by_hand(address, 80))
    told = until_root(cluster, namespace, "endpoint-address-cannot-work")
    assert "svc/db" in told.report["root"]["headline"]
    dialled = until_root(cluster, namespace, "endpoint-address-cannot-work", "--dial-any")
    assert dialled.report["outcome"] == "rejected", dialled

    apply(cluster, namespace, by_hand(seen["status"]["podIP"], 8080))
    until_root(cluster, namespace, None)


def test_an_endpoint_that_nobody_has_and_that_is_dead(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, service("web", None, 80, 0), by_hand(NOBODYS, 8080))
    answer = until_root(cluster, namespace, "endpoint-address-cannot-work", "--dial-any")
    assert answer.report["outcome"] == "unreachable", answer
    unasked = ask(cluster, namespace)
    assert unasked.code == 3, unasked
    assert unasked.root is None, "undialled, it may be a host outside that is well"


def test_a_selector_that_was_removed_before_its_pods_were_replaced(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, DEPLOYMENT, service("web", {"app": "web"}, 80, 8080))
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    until_root(cluster, namespace, None)
    cluster.kubectl("patch", "svc/web", "-n", namespace, "-p", '{"spec":{"selector":null}}')
    until_root(cluster, namespace, None)
    cluster.kubectl("rollout", "restart", "-n", namespace, "deployment/web")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    answer = until_root(cluster, namespace, "selector-removed")
    assert answer.report["root"]["fix"]["patch"] == {"spec": {"selector": {"app": "web"}}}, answer

    fixed = refused(cluster.kubeconfig, "svc/web", "-n", namespace, "--fix", "--yes", "-o", "json")
    assert fixed.code == 0, fixed


def until_forbidden(cluster: Cluster, namespace: str) -> None:
    """Wait until the quota is in force: admission keeps what it read for a while."""
    words = ("create", "-n", namespace, "--dry-run=server", "-f", "-")
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        done = cluster.kubectl(*words, input=json.dumps(by_hand(NOBODYS, 8080)), check=False)
        if "exceeded quota" in done.stderr:
            return
        assert time.monotonic() < deadline, f"the quota does not count: {done.stderr}"
        time.sleep(0.2)


def test_slices_that_the_controller_may_not_write(cluster: Cluster, namespace: str) -> None:
    quota = {"metadata": {"name": "slices"}, "spec": {"hard": {"count/endpointslices.discovery.k8s.io": "0"}}}
    apply(cluster, namespace, {"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    until_forbidden(cluster, namespace)
    apply(cluster, namespace, service("web", {"app": "web"}, 80, 8080))
    running(cluster, namespace, "web-1")
    answer = until_root(cluster, namespace, "endpoint-slices-stale", text="exceeded quota: slices")
    assert "exceeded quota: slices" in answer.report["root"]["fix"]["summary"], answer

    cluster.kubectl("delete", "quota", "-n", namespace, "slices")
    cluster.kubectl("annotate", "svc", "-n", namespace, "web", "written=again")
    until_root(cluster, namespace, None)


def test_a_slice_by_hand_that_outlived_its_pod(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, service("web", {"app": "web"}, 80, 8080), by_hand(NOBODYS, 8080, names="web-0"))
    running(cluster, namespace, "web-1")
    answer = until_root(cluster, namespace, "endpoint-slices-stale")
    words = shlex.split(answer.report["root"]["fix"]["command"])
    cluster.kubectl(*words[words.index("delete") :])
    until_root(cluster, namespace, None)
