"""Names that do not resolve, live: DNS servers that are down, on a cluster that nobody else uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import api
from tests.cluster.api import Cluster, ClusterOptions

from . import small_shop
from .conftest import fresh_namespace
from .tool import Answer, refused, until

SETTLE_SECONDS = 60.0
OWN = ClusterOptions(name="kr-names", nodes=1)


@pytest.fixture(scope="module")
def alone() -> Iterator[tuple[Cluster, str]]:
    """A cluster that nobody else uses, and a namespace with a healthy Service."""
    cluster = api.up(OWN)
    try:
        namespace = fresh_namespace(cluster)
        small_shop.furnish(cluster, namespace, [small_shop.HEALTHY])
        yield cluster, namespace
    finally:
        api.down(OWN.name)


def ask(cluster: Cluster, namespace: str, root: str | None) -> Answer:
    """Ask until the root is the one awaited."""
    return until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        lambda answer: bool(answer.out) and answer.root == root and answer.code == int(root is not None),
        SETTLE_SECONDS,
    )


def test_dns_servers_scaled_to_none_are_named_with_the_command_that_brings_them_back(
    alone: tuple[Cluster, str],
) -> None:
    cluster, namespace = alone
    scale = ("scale", "-n", "kube-system", "deployment/coredns")
    cluster.kubectl(*scale, "--replicas=0")
    answer = ask(cluster, namespace, "name-servers-down")
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (1, "name-servers-down", "proved"), answer
    assert "scale deployment/coredns --replicas=2 -n kube-system" in root["fix"]["command"]
    cluster.kubectl(*scale, "--replicas=1")
    healthy = ask(cluster, namespace, None)
    assert (healthy.code, healthy.root) == (0, None), healthy
