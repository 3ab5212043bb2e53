"""Endpoints that are there and cannot be had: traffic kept on a node, and pods that are not meant to get any."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .from_shop import HTTPD
from .small_shop import deployment
from .tool import RUN_SECONDS, Answer, refused, says, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 60.0


def furnish(cluster: Cluster, namespace: str, *objects: dict[str, Any]) -> None:
    """Create the objects; what must be ready is waited for by asking."""
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), namespace=namespace)


def asked(cluster: Cluster, namespace: str, root: str | None, *words: str) -> Answer:
    """The first answer that names the root, else the last one."""
    return until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json", *words),
        says(root),
        SETTLE_SECONDS,
    )


def assert_root(answer: Answer, name: str, code: str) -> dict[str, Any]:
    """The root, proved."""
    assert answer.root == name, answer
    root: dict[str, Any] = answer.report["root"]
    assert (answer.code, root["code"], root["certainty"]) == (1, code, "proved"), answer
    return root


def served(**spec: Any) -> dict[str, Any]:
    """The Service `web` with more in its spec."""
    made = service("web", {"app": "web"}, 80, 8080)
    made["spec"] |= spec
    return made


@pytest.mark.parametrize("cluster", ["nftables", "iptables"], indirect=True)
def test_traffic_stays_on_a_node_without_endpoint(cluster: Cluster, namespace: str) -> None:
    on_node1 = deployment("web", HTTPD, nodeSelector={"kubernetes.io/hostname": "node1"})
    furnish(cluster, namespace, on_node1, served(internalTrafficPolicy="Local"))
    root = assert_root(
        asked(cluster, namespace, "no-local-endpoint", "--from", "every-node"), "no-local-endpoint", "KR225"
    )
    assert root["where"] == "service/web, on node2"
    assert root["says"] == "internalTrafficPolicy is Local; the client is on node2, the endpoints are on node1"
    on_its_node = asked(cluster, namespace, None, "--from", "node/node1")
    assert (on_its_node.root, on_its_node.code) == (None, 0), on_its_node
    furnish(cluster, namespace, served(internalTrafficPolicy="Cluster"))
    assert asked(cluster, namespace, None, "--from", "every-node").code == 0


# Its server ends at SIGTERM, and the process lives on.
LINGERS = shell("httpd -f -p 8080 & trap 'kill $!' TERM; while true; do sleep 1; done")


def ended(cluster: Cluster, namespace: str) -> None:
    """Every pod is told to end, and the test goes on at once."""
    cluster.kubectl("delete", "pod", "-n", namespace, "-l", "app=web", "--wait=false")


def test_the_only_endpoint_is_on_its_way_out(cluster: Cluster, namespace: str) -> None:
    lingering = pod("web", LINGERS, terminationGracePeriodSeconds=120)
    furnish(cluster, namespace, lingering, served())
    assert asked(cluster, namespace, None).code == 0
    ended(cluster, namespace)
    root = assert_root(
        asked(cluster, namespace, "terminating-endpoint-refuses"), "terminating-endpoint-refuses", "KR222"
    )
    assert root["where"] == "pod/web"
    cluster.kubectl("delete", "pod", "-n", namespace, "web", "--grace-period=0", "--force")


def test_a_pod_that_ends_beside_one_that_is_ready(cluster: Cluster, namespace: str) -> None:
    lingering = deployment("web", LINGERS, terminationGracePeriodSeconds=120)
    furnish(cluster, namespace, lingering, served(publishNotReadyAddresses=True))
    assert asked(cluster, namespace, None).code == 0
    ended(cluster, namespace)
    root = assert_root(
        asked(cluster, namespace, "terminating-endpoint-refuses"), "terminating-endpoint-refuses", "KR222"
    )
    assert "preStop" in root["fix"]["command"]
    cluster.kubectl("delete", "pod", "-n", namespace, "-l", "app=web", "--grace-period=0", "--force")


def test_a_server_that_is_ready_before_it_listens(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, deployment("web", shell("sleep 25; exec httpd -f -p 8080")), served())
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        says("still-starting", 3),
        SETTLE_SECONDS,
    )
    root = answer.report["root"]
    assert (answer.code, root["code"], root["certainty"]) == (3, "KR409", "likely"), answer
    assert "readinessProbe" in root["fix"]["command"]
    assert asked(cluster, namespace, None).code == 0


def from_outside(cluster: Cluster, namespace: str, root: str | None, code: int = 1) -> Answer:
    """The first answer from outside that names the root: the nodes' rules do not change all at once.

    Without a root it is 3, as the Service's own address is never reached from there.
    """
    return until(lambda: one_from_outside(cluster, namespace), says(root, code), SETTLE_SECONDS)


def one_from_outside(cluster: Cluster, namespace: str) -> Answer:
    """Asked by a machine that is no node and no pod: the cluster's outer network."""
    words = [sys.executable, "-m", "kubectl_refused", "--kubeconfig", str(cluster.kubeconfig), "svc/web"]
    done = subprocess.run(
        ["nsenter", f"--net={cluster.outer_netns()}", *words, "-n", namespace, "-o", "json", "--from", "here"],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, "KUBECONFIG": os.devnull},
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_node_port_keeps_to_the_nodes_with_an_endpoint(cluster: Cluster, namespace: str) -> None:
    on_node1 = deployment("web", HTTPD, nodeSelector={"kubernetes.io/hostname": "node1"})
    furnish(cluster, namespace, on_node1, served(type="NodePort", externalTrafficPolicy="Local"))
    assert asked(cluster, namespace, None).code == 0
    answer = from_outside(cluster, namespace, "node-port-without-local-endpoint")
    root = assert_root(answer, "node-port-without-local-endpoint", "KR226")
    assert root["says"] == "externalTrafficPolicy is Local; node2 has no endpoint, node1 has"
    furnish(cluster, namespace, served(type="NodePort", externalTrafficPolicy="Cluster"))
    assert from_outside(cluster, namespace, None, 3).root is None
