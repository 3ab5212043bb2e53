"""What is worth telling and no fault, live: the answer stays healthy."""

from __future__ import annotations

import json
import random

from tests.cluster.api import Cluster

from .from_shop import SLEEPS
from .small_shop import HEALTHY, deployment, policy
from .tool import refused, until
from .witness_shop import service, shell

SETTLE_SECONDS = 60.0


PINGS = {
    "initContainers": [
        {
            "name": "wait",
            "image": "localhost/busybox:1",
            # An echo request wants NET_RAW, which root has here.
            "command": ["sh", "-c", "until ping -c 1 -W 1 web; do sleep 1; done"],
            "securityContext": {"runAsUser": 0},
        }
    ]
}


def test_a_client_that_pings_a_cluster_ip(cluster: Cluster, namespace: str) -> None:
    """It waits for ever, while the port works."""
    items = [*HEALTHY, deployment("pings", SLEEPS, **PINGS)]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "--from", "deploy/pings", "-o", "json"),
        lambda answer: answer.code == 0 and bool(answer.report["notes"]),
        SETTLE_SECONDS,
    )
    assert (answer.code, answer.root) == (0, None), answer
    (note,) = answer.report["notes"]
    assert (note["name"], note["certainty"]) == ("cluster-ip-answers-no-ping", "proved")
    said = cluster.kubectl("logs", "-n", namespace, "deploy/pings", "-c", "wait")
    assert "100% packet loss" in said.stdout


def test_a_policy_that_nobody_enforces(cluster: Cluster, namespace: str) -> None:
    """No enforcer judges a pod on its node's network, whatever a policy says of it."""
    port = random.randrange(20000, 30000)  # of the node: another run's must not be met there
    web = deployment("web", shell(f"exec httpd -f -p {port}"), hostNetwork=True)
    items = [web, service("web", {"app": "web"}, 80, port), policy("web"), deployment("cart", SLEEPS)]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "--from", "deploy/cart", "-o", "json"),
        lambda answer: answer.code == 0 and bool(answer.report["notes"]),
        SETTLE_SECONDS,
    )
    assert (answer.code, answer.root, answer.report["outcome"]) == (0, None, "accepted"), answer
    (note,) = answer.report["notes"]
    assert (note["name"], note["certainty"]) == ("policy-not-enforced", "proved")
    assert {e["kind"] for e in note["evidence"]} == {"object", "packet"}
