"""A scan from every node that is too large for one probe pod: an Indexed Job, and a shard that is lost."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .tool import RUN_SECONDS, Answer, refused
from .witness_shop import pod, python

PODS, PORTS = 8, 50
LOST_WITHIN = 60.0
FIRST = 9000
# A listener for each port; what it lets in it never answers.
LISTENERS = f"""
import socket, time
kept = [socket.create_server(("0.0.0.0", port), backlog=128) for port in range({FIRST}, {FIRST + PORTS})]
time.sleep(100000)
"""


def of_many_ports(name: str, last: int) -> dict[str, Any]:
    """A Service of all ports of one pod, and of one more where `last` says so, at which nothing listens."""
    ports = [{"name": f"p{n}", "port": FIRST + n} for n in range(PORTS + last)]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """400 listening endpoints and one that refuses."""
    names = [f"many{n}" for n in range(PODS)]
    objects = [
        one for name in names for one in (pod(name, python(LISTENERS)), of_many_ports(name, name == "many0"))
    ]
    namespace = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s", timeout=90)
    yield namespace
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def scan(cluster: Cluster, namespace: str, *words: str, seconds: float = RUN_SECONDS) -> Answer:
    """From every node, each address once."""
    asked = ("scan", "-n", namespace, "--from", "every-node", "--dials", "1", "-o", "json")
    return refused(cluster.kubeconfig, *asked, *words, seconds=seconds)


def shards_of(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """The pods of shards that are there."""
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector=batch.kubernetes.io%2Fjob-completion-index"
    return list(cluster.client().call("GET", path)["items"])


def left(cluster: Cluster, namespace: str) -> int:
    """How many Jobs and pods of shards are there, once the cluster had time to put them away."""
    deadline = time.monotonic() + LOST_WITHIN
    while True:
        jobs = cluster.client().call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
        count = len(jobs) + len(shards_of(cluster, namespace))
        if not count or time.monotonic() > deadline:
            return count
        time.sleep(0.3)


def lose_one(cluster: Cluster, namespace: str, lost: list[str]) -> None:
    """Delete the first shard that dials, as soon as there is one."""
    deadline = time.monotonic() + LOST_WITHIN
    while not lost and time.monotonic() < deadline:
        for one in shards_of(cluster, namespace):
            states = [status["state"] for status in one["status"].get("initContainerStatuses", ())]
            if any("running" in state for state in states):
                path = f"/api/v1/namespaces/{namespace}/pods/{one['metadata']['name']}?gracePeriodSeconds=0"
                cluster.client().call("DELETE", path)
                lost.append(one["spec"]["nodeName"])
                break
        time.sleep(0.1)


def test_a_shard_that_is_lost_is_made_again_and_nothing_is_missing(cluster: Cluster, namespace: str) -> None:
    lost: list[str] = []
    killer = threading.Thread(target=lose_one, args=(cluster, namespace, lost))
    killer.start()
    answer = scan(cluster, namespace, "--rate", "100")
    killer.join()
    assert len(lost) == 1, answer
    rows = {row["target"]: (row["state"], row["failing"], row["paths"]) for row in answer.report["rows"]}
    nodes = len(cluster.node_names)
    whole = {f"svc/many{n}": ("works", 0, PORTS * nodes) for n in range(1, PODS)}
    assert rows == {"svc/many0": ("broken", nodes, (PORTS + 1) * nodes), **whole}, answer
    assert answer.report["gaps"] == []
    ours = [one["what"] for one in answer.report["touched"] if one["what"].startswith(("job/", "pod/"))]
    assert [what.endswith("-shards") for what in ours] == [True], ours
    (broken,) = answer.report["items"]
    dials = Counter(dial["outcome"] for path in broken["paths"] for dial in path["dials"])
    assert dials == {"accepted": 2 * PORTS * nodes, "refused": 2 * nodes}
    assert left(cluster, namespace) == 0
