"""`--from`, live: every place a client can stand at, and stand-ins that nothing enlists while they live."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, TIER, Shop, open_shop
from .small_shop import await_forwarding, deployment
from .tool import Answer, refused
from .witness_shop import service

LIVES_SECONDS = 40.0
PROBES = "refused.dev/run"


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    """The shop, which no test may leave changed."""
    made = open_shop(cluster)
    yield made
    for namespace in (made.namespace, made.far):
        cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def ask(shop: Shop, *words: str, target: str = "svc/web") -> Answer:
    """One run about a Service of the shop, as data."""
    return refused(shop.cluster.kubeconfig, target, "-n", shop.namespace, "-o", "json", *words)


def vantages(answer: Answer) -> list[str]:
    """Where the paths were seen from, without the nodes that the scheduler chose."""
    return sorted(path["vantage"].partition(" on ")[0] for path in answer.report["paths"])


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (("--from", "pod/py"), ["inside pod/py"]),
        (("--from", "deploy/client"), ["inside pod/client-"]),
        (("--from", "sts/sts"), ["inside pod/sts-0"]),
        (("--from", "ds/ds"), ["inside pod/ds-"]),
        (("--from", "job/job"), ["inside pod/job-"]),
        (("--from", "pod/bare"), ["a pod like pod/bare"]),
        (("--from", "deploy/idle"), ["a pod like deploy/idle"]),
        (("--from", "deploy/crashy"), ["a pod like pod/crashy-"]),
        (("--from", "node/node2"), ["a pod"]),
        (("--from", "node/node2", "--host-network"), ["the network of node2"]),
        (("--from", "every-node"), ["a pod", "a pod"]),
        (("--from", "every-node", "--host-network"), ["the network of node1", "the network of node2"]),
        (("--from", "pod/py", "--from", "node/node1"), ["a pod", "inside pod/py"]),
    ],
    ids=lambda value: " ".join(value).replace("--from ", "") if isinstance(value, tuple) else "",
)
def test_a_healthy_service_works_from_everywhere(shop: Shop, words: tuple[str, ...], seen: list[str]) -> None:
    answer = ask(shop, *words)
    found = vantages(answer)
    assert answer.code == 0, answer
    assert len(found) == len(seen), answer
    assert all(place.startswith(start) for place, start in zip(found, seen, strict=True)), found
    assert {gap["what"] for gap in answer.report["gaps"]} <= {"a dial inside pod/bare"}, answer


def test_clients_of_another_namespace(shop: Shop) -> None:
    for client, seen in (("pod/py", "inside pod/py"), ("deploy/idle", "a pod like deploy/idle")):
        answer = ask(shop, "--from", client, "--from-namespace", shop.far)
        assert (answer.code, vantages(answer)) == (0, [seen]), answer


def test_what_does_not_exist_is_a_usage_error(shop: Shop) -> None:
    for client, said in (("pod/none", "there is no such pod in namespace"), ("node/none", "no such node")):
        answer = ask(shop, "--from", client)
        assert (answer.code, answer.out) == (2, ""), answer
        assert said in answer.err


def test_the_nodes_network_is_refused_by_pod_security(shop: Shop) -> None:
    strict = fresh_namespace(shop.cluster, {"pod-security.kubernetes.io/enforce": "baseline"})
    items = [deployment("web", HTTPD), service("web", {"app": "web"}, 80, 8080)]
    shop.cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=strict)
    waits = ("--for=condition=Available", "deploy/web", "--timeout=60s")
    shop.cluster.kubectl("wait", "-n", strict, *waits, timeout=90)
    await_forwarding(shop.cluster, strict, "web")
    words = ("svc/web", "-n", strict, "-o", "json", "--from", "node/node1", "--host-network")
    answer = refused(shop.cluster.kubeconfig, *words)
    shop.cluster.client().call("DELETE", f"/api/v1/namespaces/{strict}")
    reason = 'the probe pod is forbidden: violates PodSecurity "baseline'
    (gap,) = [gap for gap in answer.report["gaps"] if gap["because"].startswith(reason)]
    assert "hostNetwork=true" in gap["because"]
    assert any("the API server dialled in its place" in gap["because"] for gap in answer.report["gaps"])
    assert answer.code == 3, answer


def test_from_this_machine(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put into the cluster's outer network: it has routes to the pods, and no service proxy."""
    inside = tmp_path / "python"
    inside.write_text(f'#!/bin/sh\nexec nsenter --net={shop.cluster.outer_netns()} {sys.executable} "$@"\n')
    inside.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(inside))
    answer = ask(shop, "--from", "here")
    (path,) = answer.report["paths"]
    dials = {dial["address"].rpartition(":")[2]: dial for dial in path["dials"]}
    assert path["vantage"] == "this machine", answer
    assert (dials["8080"]["outcome"], dials["8080"]["witness"]) == ("accepted", "here")
    assert dials["80"]["outcome"] in ("timeout", "unreachable")
    assert answer.report["touched"] == []


# While a stand-in lives.


@contextlib.contextmanager
def running(shop: Shop, *words: str, code: int = 1) -> Iterator[list[dict[str, Any]]]:
    """A run about the silent Service, held open by its dials; yields its probe pods once one runs."""
    # A pod of the run before may still be ending: its Job is gone at once, the pod when the kubelet says so.
    ended = {one["metadata"]["name"] for one in shop.items("pods", selector=PROBES)}
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(ask, shop, *words, target="svc/slow")
        deadline = time.monotonic() + LIVES_SECONDS
        pods: list[dict[str, Any]] = []
        while not any(one["status"]["phase"] == "Running" for one in pods):
            assert time.monotonic() < deadline, run.result()
            assert not run.done(), run.result()
            time.sleep(0.1)
            found = shop.items("pods", selector=PROBES)
            pods = [one for one in found if one["metadata"]["name"] not in ended]
        yield pods
        assert run.result().code == code, run.result()


def control_beside(shop: Shop, stand: dict[str, Any]) -> dict[str, Any]:
    """The second pod of the run, once it runs."""
    deadline = time.monotonic() + LIVES_SECONDS
    while time.monotonic() < deadline:
        for one in shop.items("pods", selector=PROBES):
            if one["metadata"]["name"] != stand["metadata"]["name"] and one["status"]["phase"] == "Running":
                return one
        time.sleep(0.1)
    raise AssertionError("no control came")


def owned(shop: Shop, kind: str, name: str) -> set[str]:
    """Names of the pods that a controller has for its own."""
    return {
        one["metadata"]["name"]
        for one in shop.items("pods")
        for owner in one["metadata"].get("ownerReferences", ())
        if (owner["kind"], owner["name"]) == (kind, name)
    }


def ready_addresses(shop: Shop, service: str) -> set[str]:
    """Addresses that the Service sends traffic to."""
    slices = shop.items("endpointslices", "discovery.k8s.io/v1", f"kubernetes.io/service-name={service}")
    return {
        address
        for part in slices
        for endpoint in part.get("endpoints") or ()
        for address in endpoint["addresses"]
        if endpoint["conditions"]["ready"]
    }


def test_a_stand_in_is_its_client_and_nobody_enlists_it(shop: Shop) -> None:
    (crashed,) = shop.items("pods", selector="app=crashy")
    sets = [("ReplicaSet", "bare-set"), ("DaemonSet", "bare-daemons")]
    before = [owned(shop, *one) for one in sets]
    ready = ready_addresses(shop, "clients")
    with running(shop, "--from", f"pod/{crashed['metadata']['name']}") as (stand,):
        control = control_beside(shop, stand)  # it comes when a dial has failed: the controllers had their time
        assert [owned(shop, *one) for one in sets] == before
        assert ready_addresses(shop, "clients") == ready
        assert len(ready) == 1 + len(before[1])
        replicas = {one["metadata"]["name"]: one for one in shop.items("replicasets", "apps/v1")}
        assert replicas["bare-set"]["status"]["replicas"] == 1
        alive = shop.items("pods", selector=PROBES)
    assert {one["metadata"]["name"] for one in alive} == {stand["metadata"]["name"], control["metadata"]["name"]}
    for one in alive:
        (ready_is,) = [c for c in one["status"]["conditions"] if c["type"] == "Ready"]
        assert ready_is["status"] == "False"
        (owner,) = one["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["controller"]) == ("Job", True)
        assert owner["name"].startswith("refused-")
        assert not one["spec"].get("volumes")  # the account's token would be one
        assert one["spec"]["nodeName"] == crashed["spec"]["nodeName"]
        assert (one["spec"]["dnsPolicy"], one["spec"]["dnsConfig"]) == ("None", crashed["spec"]["dnsConfig"])
    assert stand["metadata"]["labels"].items() >= crashed["metadata"]["labels"].items()
    assert not control["metadata"]["labels"].keys() & TIER.keys()


def test_the_nodes_network_is_the_nodes(shop: Shop) -> None:
    (slow,) = shop.items("pods", selector="app=slow")
    # Its own node reaches a pod whatever policies say.
    (node,) = {*shop.cluster.node_names} - {slow["spec"]["nodeName"]}
    with running(shop, "--from", f"node/{node}", "--host-network", code=3) as (only,):
        assert only["spec"]["hostNetwork"]
        assert only["status"]["podIP"] == only["status"]["hostIP"]
        assert only["spec"]["nodeName"] == node


def test_labels_are_left_away_where_something_would_count_them(shop: Shop) -> None:
    words = [word for name in ("pub", "pdb", "hpa") for word in ("--from", f"deploy/{name}")]
    found: list[Answer] = []
    asking = threading.Thread(target=lambda: found.append(ask(shop, *words)))
    asking.start()
    seen: dict[str, dict[str, str]] = {}
    while asking.is_alive():
        seen |= {p["metadata"]["name"]: p["metadata"]["labels"] for p in shop.items("pods", selector=PROBES)}
        time.sleep(0.1)
    (answer,) = found
    gaps = {gap["what"]: gap["because"] for gap in answer.report["gaps"]}
    assert answer.code == 0, answer
    assert gaps == {
        "deploy/pub": "without its labels: Service pub would send it traffic, as it publishes unready pods",
        "deploy/pdb": "without its labels: PodDisruptionBudget keep would count it",
        "deploy/hpa": "without its labels: HorizontalPodAutoscaler grow would count it",
    }
    assert len(seen) >= 3
    assert not any("app" in labels for labels in seen.values()), seen


def test_nothing_of_it_is_left(shop: Shop) -> None:
    deadline = time.monotonic() + LIVES_SECONDS
    while left := shop.items("pods", selector=PROBES) + shop.items("jobs", "batch/v1", selector=PROBES):
        assert time.monotonic() < deadline, [one["metadata"]["name"] for one in left]
        time.sleep(0.2)
