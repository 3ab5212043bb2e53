"""A namespace with one healthy Service and a few broken ones, shared by the tests that only look.

`web` is healthy; `loop` listens on loopback; `typo` has a selector that matches nothing; `wrong` points at a
port where nobody listens; `closed` lies behind a policy that drops everything, so that each dial of it takes
its full time-out; `crash` dies at once with a hostile last word.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from tests.cluster.api import Cluster
from tests.live.witness_shop import service, shell

READY_SECONDS = 60.0
# On every node, so that nobody needs the right to list nodes to find one.
IMAGE = "localhost/busybox:1"
OURS = "app.kubernetes.io/managed-by=kubectl-refused"
# What a hostile application writes: a title (OSC 0), a link (OSC 8), colours, a workflow command of GitHub's,
# rich's markup, secrets, a bidirectional override and a carriage return that would rewrite the line.
HOSTILE = (
    "\\033]0;owned\\007\\033]8;;http://evil.example\\033\\\\click\\033]8;;\\033\\\\ \\033[31mred\\033[0m "
    "::error::pwned [/red] [bold]x[/bold] password=hunter2 token: abcdef0123456789abcdef "
    "\\342\\200\\256evil\\rFAKE"
)


def deployment(name: str, container: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One pod labelled `app: NAME`."""
    labels = {"app": name}
    spec = {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": name,
                "image": IMAGE,
                "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}},
                **container,
            }
        ],
        **more,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def policy(app: str) -> dict[str, Any]:
    """Drops all that comes to the pods of that app."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"deny-{app}"},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"]},
    }


HEALTHY = (deployment("web", shell("exec httpd -f -p 8080")), service("web", {"app": "web"}, 80, 8080))
LOOP = (deployment("loop", shell("exec httpd -f -p 127.0.0.1:8080")), service("loop", {"app": "loop"}, 80, 8080))
TYPO = (service("typo", {"app": "wbe"}, 80, 8080),)
WRONG = (service("wrong", {"app": "web"}, 80, 9999),)
CLOSED = (
    deployment("closed", shell("exec httpd -f -p 8080")),
    service("closed", {"app": "closed"}, 80, 8080),
    policy("closed"),
)
CRASH = (
    deployment("crash", shell(f"printf '{HOSTILE}\\n' >&2; exit 3")),
    service("crash", {"app": "crash"}, 80, 8080),
)


EVERYTHING = (HEALTHY, LOOP, TYPO, WRONG, CLOSED, CRASH)


def furnish(cluster: Cluster, namespace: str, groups: Sequence[tuple[dict[str, Any], ...]] = EVERYTHING) -> None:
    """Create the objects and wait until the pods that can be ready are, and the healthy Service is served."""
    objects = [item for group in groups for item in group]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    names = {item["metadata"]["name"] for item in objects if item["kind"] == "Deployment"} - {"crash"}
    deadline = time.monotonic() + READY_SECONDS
    while waiting := names - ready_services(cluster, namespace):
        assert time.monotonic() < deadline, f"not ready in {namespace}: {sorted(waiting)}"
        time.sleep(0.2)
    if HEALTHY in groups:
        await_forwarding(cluster, namespace, "web")


def await_forwarding(cluster: Cluster, namespace: str, name: str) -> None:
    """Wait until every node's service proxy forwards port 80 of the Service: that comes after its endpoints."""
    path = f"/api/v1/namespaces/{namespace}/services/{name}"
    address = cluster.client().call("GET", path)["spec"]["clusterIP"]
    deadline = time.monotonic() + READY_SECONDS
    for number in range(1, len(cluster.node_names) + 1):
        argv = ["busybox", "nc", "-w", "1", address, "80"]
        while cluster.run_on_node(number, argv, given=b"GET / HTTP/1.0\r\n\r\n", check=False).returncode:
            assert time.monotonic() < deadline, f"node{number} does not forward to svc/{name} of {namespace}"
            time.sleep(0.2)


def ready_services(cluster: Cluster, namespace: str) -> set[str]:
    """The Services with a ready endpoint."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    return {
        item["metadata"]["labels"]["kubernetes.io/service-name"]
        for item in cluster.client().call("GET", path)["items"]
        if any(endpoint["conditions"].get("ready") for endpoint in item.get("endpoints") or ())
    }


def ours(cluster: Cluster, namespace: str) -> list[str]:
    """Every Job and pod in the namespace that the product made."""
    found = []
    for path in (f"/apis/batch/v1/namespaces/{namespace}/jobs", f"/api/v1/namespaces/{namespace}/pods"):
        items = cluster.client().call("GET", f"{path}?labelSelector={OURS}")["items"]
        found += [item["metadata"]["name"] for item in items]
    return found


def assert_nothing_left(cluster: Cluster, namespace: str, *, within: float = 20.0) -> None:
    """Nothing of ours remains; the garbage collector may need a moment for the Job's pod."""
    deadline = time.monotonic() + within
    while left := ours(cluster, namespace):
        assert time.monotonic() < deadline, f"left behind in {namespace}: {left}"
        time.sleep(0.2)
