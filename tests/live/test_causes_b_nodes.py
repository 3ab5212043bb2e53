"""A node that is lost, or that passes nothing on. On a cluster of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD
from .small_shop import deployment
from .test_sharded_scan import LISTENERS, PODS, PORTS, left, of_many_ports, scan, shards_of
from .tool import Answer, refused, until
from .witness_shop import pod, python, service

# node-monitor-grace-period and what a busy machine adds.
LOST_SECONDS = 120.0
# A shard may take 132 s to start, to be replaced and to dial; then what its sockets would tell is asked for.
DEAD_SECONDS = 300.0
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


def test_a_node_that_dies_in_a_large_scan_leaves_a_hole_that_is_told(breakable: Cluster) -> None:
    """400 endpoints on two nodes; node2 is cut off while its shard dials. What node1 saw counts, and nothing is
    made of what node2 did not live to tell."""
    namespace, names = fresh_namespace(breakable), [f"many{n}" for n in range(PODS)]
    objects = [
        one
        for number, name in enumerate(names)
        for one in (on_node(pod(name, python(LISTENERS)), 1 + number % 2), of_many_ports(name, last=False))
    ]
    breakable.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    breakable.kubectl(
        "wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=90s", timeout=120
    )
    cut: list[float] = []
    killer = threading.Thread(target=cut_off_when_dialling, args=(breakable, namespace, cut))
    killer.start()
    try:
        answer = scan(breakable, namespace, "--rate", "50", seconds=DEAD_SECONDS)
    finally:
        killer.join()
        breakable.run_on_node(2, ["nft", "delete", "table", "inet", "lost"])
    assert len(cut) == 1, answer
    holes = {gap["what"]: gap["because"] for gap in answer.report["gaps"]}
    assert holes["dials from node/node2"].startswith("some or all are missing: "), answer
    reach = {one["vantage"]: one for one in answer.report["reach"]}
    whole, half = PODS * PORTS, PODS * PORTS // 2
    (mine,) = [one for vantage, one in reach.items() if vantage.endswith("node1")]
    assert half <= mine["accepting"] < whole, reach  # its own pods, and those of node2 that it dialled in time
    assert mine["accepting"] + mine["failing"] + mine["unknown"] == whole, reach
    (unheard,) = [one for one in reach.values() if one is not mine]
    assert (unheard["vantage"], unheard["unknown"]) == ("the objects alone", whole), reach
    states = {row["target"]: row["state"] for row in answer.report["rows"]}
    assert set(states) == {f"svc/{name}" for name in names}
    assert "works" not in states.values()  # of none was heard what node2 sees
    assert answer.code in (1, 3)
    # With its node back the cluster puts everything away.
    assert left(breakable, namespace) == 0


def on_node(body: dict[str, Any], number: int) -> dict[str, Any]:
    return {**body, "spec": {**body["spec"], "nodeName": f"node{number}"}}


def cut_off_when_dialling(cluster: Cluster, namespace: str, cut: list[float]) -> None:
    """Drop all that reaches node2 two seconds after its shard began."""
    deadline = time.monotonic() + LOST_SECONDS
    while not cut and time.monotonic() < deadline:
        for one in shards_of(cluster, namespace):
            states = [status["state"] for status in one["status"].get("initContainerStatuses", ())]
            if one["spec"].get("nodeName") == "node2" and any("running" in state for state in states):
                time.sleep(2)
                cluster.run_on_node(2, ["nft", "-f", "-"], given=LOSE)
                cut.append(time.monotonic())
                break
        time.sleep(0.1)
