"""Names that a person typed, and that nearly are the cluster's: the one meant is told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, SLEEPS
from .small_shop import deployment
from .tool import refused
from .witness_shop import service


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """The Service web and the client cart."""
    namespace = fresh_namespace(cluster)
    items = [deployment("web", HTTPD), service("web", {"app": "web"}, 80, 8080), deployment("cart", SLEEPS)]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    cluster.kubectl(
        "wait", "-n", namespace, "--for=condition=Available", "deploy", "--all", "--timeout=90s", timeout=120
    )
    yield namespace
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def test_a_namespace_that_is_misspelt(cluster: Cluster, shop: str) -> None:
    wrong = shop[:-2] + shop[-1] + shop[-2] if shop[-1] != shop[-2] else shop + "x"
    answer = refused(cluster.kubeconfig, "svc/web", "-n", wrong, "-o", "json")
    root = answer.report["root"]
    assert (answer.code, root["code"], root["headline"]) == (1, "KR101", f"there is no namespace {wrong}"), answer
    assert {"namespace": [wrong, shop]} in [one.get("differs") for one in root["evidence"]], answer
    scanned = refused(cluster.kubeconfig, "scan", "-n", wrong)
    assert (scanned.code, f"there is no namespace '{wrong}'; did you mean {shop}?" in scanned.err) == (2, True), (
        scanned
    )


@pytest.mark.parametrize("word", ["deploy/crat", "pod/{pod}x", "node/node"])
def test_a_client_that_is_misspelt(cluster: Cluster, shop: str, word: str) -> None:
    pod = (
        cluster.kubectl("get", "pod", "-n", shop, "-l", "app=cart", "-o", "name").stdout.strip().partition("/")[2]
    )
    meant = {"deploy/crat": "deploy/cart", "node/node": "node/node"}.get(word, f"pod/{pod}")
    answer = refused(cluster.kubeconfig, "svc/web", "-n", shop, "--from", word.format(pod=pod))
    assert answer.code == 2
    assert f"did you mean {meant}" in answer.err, answer
