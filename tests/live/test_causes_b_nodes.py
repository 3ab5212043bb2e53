"""A node that is lost: its endpoints are taken out, or stay and do not answer. On a cluster of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster import api
from tests.cluster.api import Cluster, ClusterOptions

from .conftest import fresh_namespace
from .from_shop import HTTPD
from .small_shop import deployment
from .tool import Answer, refused, until
from .witness_shop import service

# node-monitor-grace-period and what a busy machine adds.
LOST_SECONDS = 120.0
SETTLE_SECONDS = 60.0
LOSE = "add table inet lost { chain all { type filter hook prerouting priority -300; policy drop; } }"


@pytest.fixture(scope="module")
def lossy() -> Iterator[Cluster]:
    """A cluster whose nodes may be lost; taken down at the end."""
    api.down("lost")
    yield api.up(ClusterOptions(name="lost"))
    api.down("lost")


def asked(cluster: Cluster, namespace: str, target: str, root: str | None, seconds: float) -> Answer:
    """The first answer with that root, else the last one."""
    return until(
        lambda: refused(cluster.kubeconfig, target, "-n", namespace, "-o", "json", "--from", "node/node1"),
        lambda answer: bool(answer.out) and answer.root == root and answer.code == int(root is not None),
        seconds,
    )


def test_a_lost_node_takes_its_endpoints_along(lossy: Cluster) -> None:
    published = service("published", {"app": "web"}, 80, 8080)
    published["spec"]["publishNotReadyAddresses"] = True
    objects = [
        deployment("web", HTTPD, nodeSelector={"kubernetes.io/hostname": "node2"}),
        service("web", {"app": "web"}, 80, 8080),
        published,
    ]
    namespace = fresh_namespace(lossy)
    lossy.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    assert asked(lossy, namespace, "svc/web", None, SETTLE_SECONDS).code == 0
    lossy.run_on_node(2, ["nft", LOSE])
    for target, outcome in (("svc/web", "untried"), ("svc/published", "timeout")):
        answer = asked(lossy, namespace, target, "node-not-ready", LOST_SECONDS)
        assert answer.root == "node-not-ready", answer
        root = answer.report["root"]
        assert (root["code"], root["certainty"], root["where"]) == ("KR223", "proved", "node/node2"), answer
        assert "Kubelet stopped posting node status" in root["says"]
        assert answer.report["outcome"] == outcome, answer
    lossy.run_on_node(2, ["nft", "delete", "table", "inet", "lost"])
    for target in ("svc/web", "svc/published"):
        assert asked(lossy, namespace, target, None, LOST_SECONDS).code == 0
