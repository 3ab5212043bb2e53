"""Names that do not resolve, live: DNS servers that are down, on a cluster that nobody else uses."""

from __future__ import annotations

from tests.cluster.api import Cluster

from . import small_shop
from .conftest import fresh_namespace
from .tool import Answer, refused, says, until

SETTLE_SECONDS = 60.0


def ask(cluster: Cluster, namespace: str, root: str | None) -> Answer:
    """Ask until the root is the one awaited."""
    return until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        says(root),
        SETTLE_SECONDS,
    )


def test_dns_servers_scaled_to_none_are_named_with_the_command_that_brings_them_back(breakable: Cluster) -> None:
    cluster, namespace = breakable, fresh_namespace(breakable)
    small_shop.furnish(cluster, namespace, [small_shop.HEALTHY])
    scale = ("scale", "-n", "kube-system", "deployment/coredns")
    cluster.kubectl(*scale, "--replicas=0")
    answer = ask(cluster, namespace, "name-servers-down")
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (1, "name-servers-down", "proved"), answer
    assert "scale deployment/coredns --replicas=2 -n kube-system" in root["fix"]["command"]
    cluster.kubectl(*scale, "--replicas=1")
    healthy = ask(cluster, namespace, None)
    assert (healthy.code, healthy.root) == (0, None), healthy
