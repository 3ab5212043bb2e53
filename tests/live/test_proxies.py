"""Real proxies before dead apps: each accepts for them, and is recognised by its own words.

nginx and HAProxy come from Debian's packages, Envoy from its wheel (tests/cluster/proxy_images.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.api import Cluster
from tests.cluster.proxy_images import load_envoy, load_web_proxies

from .conftest import fresh_namespace
from .proxy_shop import OBJECTS
from .tool import Answer, refused, says, until

SETTLE_SECONDS = 40.0
CAUSE = "proxy-cannot-reach-upstream"
# What each says when its upstream refuses, and when that Service has no endpoints: the kernel tells it the same.
SAY = {
    "nginx": "nginx answers 502, it gets no answer from its upstream",
    "haproxy": "HAProxy answers 503, it has no upstream that works",
    "envoy": "Envoy answers 503, it cannot connect to its upstream",
}


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with the proxies and what is behind them."""
    load_web_proxies(cluster)
    load_envoy(cluster)
    name = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}), namespace=name)
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=50s")
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def test_each_proxy_is_recognised_and_its_healthy_twin_is_silent(cluster: Cluster, shop: str) -> None:
    """Which of several requests a log's line is of is not known through the API server, so it is likely only."""
    scan = ("scan", "-n", shop, "--probe", "passive", "--fail-on", "likely", "-o", "json")
    answer = until(lambda: refused(cluster.kubeconfig, *scan), all_told, SETTLE_SECONDS)
    assert answer.code == 1, answer
    rows = {row["target"]: row for row in answer.report["rows"]}
    told = {one["target"]: one for one in answer.report["items"]}
    for proxy, words in SAY.items():
        assert rows[f"svc/{proxy}-app"]["state"] == "works", answer
        for behind in ("dead", "none"):
            root = told[f"svc/{proxy}-{behind}"]["root"]
            assert (root["name"], root["certainty"]) == (CAUSE, "likely"), answer
            assert root["says"].startswith(words), answer


def all_told(answer: Answer) -> bool:
    """Whether the scan recognised all six, and what works does so already: each is in a row and in an item."""
    if not answer.out:
        return False
    rows = {row["target"]: row for row in answer.report["rows"]}
    works = all(rows[f"svc/{proxy}-app"]["state"] == "works" for proxy in SAY)
    return works and sum(row["name"] == CAUSE for row in rows.values()) >= 2 * len(SAY)


def test_the_request_s_own_line_proves_where_it_went_and_the_walk_goes_on(cluster: Cluster, shop: str) -> None:
    words = ("--image", "localhost/python:3", "--guess-protocol")
    ask = lambda: refused(cluster.kubeconfig, "svc/nginx-dead", "-n", shop, "-o", "json", *words)  # noqa: E731
    answer = until(ask, says(CAUSE, 1, "svc/dead:80"), SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, CAUSE), answer
    assert answer.report["root"]["certainty"] == "proved"
    assert [root["name"] for root in answer.report["paths"][0]["chain"]] == ["wrong-target-port"], answer
    assert "svc/dead" in answer.report["paths"][0]["chain"][0]["fix"]["summary"]
