"""Real proxies before dead apps: each accepts for them, and is recognised by its own words.

nginx and HAProxy come from Debian's packages, Envoy from its wheel (tests/cluster/proxy_images.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Cluster
from tests.cluster.proxy_images import load_envoy, load_web_proxies

from .conftest import fresh_namespace
from .proxy_shop import BEHIND, OBJECTS, PROXIES
from .small_shop import IMAGE
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


def ask(kubeconfig: Path, namespace: str, name: str, *words: str) -> Answer:
    return refused(kubeconfig, f"svc/{name}", "-n", namespace, "--image", IMAGE, "-o", "json", *words)


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("behind", ["dead", "none"])
def test_a_proxy_is_recognised_through_the_api_server(
    cluster: Cluster, shop: str, proxy: str, behind: str
) -> None:
    """Which of several requests a log's line is of is not known there, so it is likely only."""
    answer = until(
        lambda: ask(cluster.kubeconfig, shop, f"{proxy}-{behind}", "--probe", "passive"),
        says(CAUSE, 3, f"svc/{behind}:80"),
        SETTLE_SECONDS,
    )
    assert (answer.code, answer.root) == (3, CAUSE), answer
    root = answer.report["root"]
    assert root["says"].startswith(SAY[proxy]), answer
    assert f"svc/{behind}:80" in root["headline"], answer


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_healthy_twin_is_silent(cluster: Cluster, shop: str, proxy: str) -> None:
    healthy = f"{proxy}-{BEHIND[8083]}"
    passive = lambda: ask(cluster.kubeconfig, shop, healthy, "--probe", "passive")  # noqa: E731
    answer = until(passive, says(None), SETTLE_SECONDS)
    assert (answer.code, answer.root, answer.report["gaps"]) == (0, None, []), answer


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_the_request_s_own_line_proves_where_it_went(cluster: Cluster, shop: str, proxy: str) -> None:
    python = ("--image", "localhost/python:3", "--guess-protocol")
    answer = until(
        lambda: ask(cluster.kubeconfig, shop, f"{proxy}-none", *python),
        says(CAUSE, 1, "svc/none:80"),
        SETTLE_SECONDS,
    )
    assert (answer.code, answer.root) == (1, CAUSE), answer
    assert answer.report["root"]["certainty"] == "proved"
    assert "svc/none:80" in answer.report["root"]["headline"]
