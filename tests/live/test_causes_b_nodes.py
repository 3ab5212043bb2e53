"""A node that is lost, or that passes nothing on. On a cluster of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD
from .small_shop import deployment
from .tool import Answer, refused, until
from .witness_shop import service

# node-monitor-grace-period and what a busy machine adds.
LOST_SECONDS = 120.0
LOSE = b"""table inet lost {
  chain everything { type filter hook prerouting priority -300; policy drop; }
}
"""


def asked(cluster: Cluster, namespace: str, target: str, holds: Callable[[Answer], bool]) -> Answer:
    """The first answer of which that holds, else the last one."""
    return until(
        lambda: refused(cluster.kubeconfig, target, "-n", namespace, "-o", "json", "--from", "node/node1"),
        lambda answer: bool(answer.out) and holds(answer),
        LOST_SECONDS,
    )


def lost(answer: Answer, name: str = "node-not-ready") -> dict[str, Any] | None:
    """The fault of the node among all that are told: the name servers may have been on it, which is one too."""
    told = [fault for path in answer.report["paths"] for fault in (path["root"], *path["chain"]) if fault]
    return next((fault for fault in told if fault["name"] == name), None)


def lost_with(outcome: str) -> Callable[[Answer], bool]:
    """The lost node is told and the connection ends so: a node turns NotReady a moment before its endpoints do."""
    return lambda answer: lost(answer) is not None and answer.report["outcome"] == outcome


def works(answer: Answer) -> bool:
    return answer.code == 0


def test_a_lost_node_takes_its_endpoints_along(breakable: Cluster) -> None:
    published = service("published", {"app": "web"}, 80, 8080)
    published["spec"]["publishNotReadyAddresses"] = True
    objects = [
        deployment("web", HTTPD, nodeSelector={"kubernetes.io/hostname": "node2"}),
        service("web", {"app": "web"}, 80, 8080),
        published,
    ]
    namespace = fresh_namespace(breakable)
    breakable.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    assert works(asked(breakable, namespace, "svc/web", works))
    breakable.run_on_node(2, ["nft", "-f", "-"], given=LOSE)
    for target, outcome in (("svc/web", "untried"), ("svc/published", "timeout")):
        answer = asked(breakable, namespace, target, lost_with(outcome))
        found = lost(answer)
        assert found is not None, answer
        assert (found["certainty"], found["where"]) == ("proved", "node/node2"), answer
        assert "Kubelet stopped posting node status" in found["says"]
        assert answer.report["outcome"] == outcome, answer
    breakable.run_on_node(2, ["nft", "delete", "table", "inet", "lost"])
    for target in ("svc/web", "svc/published"):
        assert works(asked(breakable, namespace, target, works))


def test_a_node_that_forwards_nothing_tells_so_itself(breakable: Cluster) -> None:
    """Its ip_forward is 0, which a pod on its network reads."""
    objects = [
        deployment("web", HTTPD, nodeSelector={"kubernetes.io/hostname": "node2"}),
        service("web", {"app": "web"}, 80, 8080),
    ]
    namespace = fresh_namespace(breakable)
    breakable.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    assert works(asked(breakable, namespace, "svc/web", works))
    words = ("svc/web", "-n", namespace, "-o", "json", "--from", "every-node", "--host-network", "--dials", "1")
    breakable.run_on_node(2, ["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"])
    answer = until(
        lambda: refused(breakable.kubeconfig, *words),
        lambda told: bool(told.out) and lost(told, "node-settings-stop-packets") is not None,
        LOST_SECONDS,
    )
    found = lost(answer, "node-settings-stop-packets")
    assert found is not None, answer
    assert (found["certainty"], found["where"]) == ("proved", "node/node2"), answer
    assert "net.ipv4.ip_forward is 0" in found["says"]
    breakable.run_on_node(2, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    assert works(until(lambda: refused(breakable.kubeconfig, *words), works, LOST_SECONDS))
