"""An endpoint that outlived its pod, whose address another pod has."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .small_shop import IMAGE
from .tool import refused, says, until

SETTLE_SECONDS = 60.0
EARLIER = "00000000-0000-4000-8000-000000000000"  # the uid of a pod that is gone


def pod(name: str, port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": name, "image": IMAGE, "command": ["httpd", "-f", "-p", str(port)]}],
        },
    }


def service_for(address: str, uid: str) -> list[dict[str, Any]]:
    """svc/web without a selector, and a slice that gives it `address` as web-0's."""
    ports = [{"port": 80, "targetPort": 8080}]
    target = {"kind": "Pod", "name": "web-0", "uid": uid}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web-by-hand", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}, "targetRef": target}],
            "ports": [{"name": "", "port": 8080}],
        },
    ]


def addresses(cluster: Cluster, namespace: str, *names: str) -> list[str]:
    """The pods' addresses, once all have one."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        pods = [cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/{name}") for name in names]
        found = [p["status"].get("podIP", "") for p in pods]
        if all(found):
            return found
        assert time.monotonic() < deadline, f"no addresses: {found}"
        time.sleep(0.5)


def apply(cluster: Cluster, namespace: str, *objects: dict[str, Any]) -> None:
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)


@pytest.mark.parametrize("port", [9090, 8080])
def test_the_address_of_a_pod_that_was_made_anew_is_anothers(cluster: Cluster, namespace: str, port: int) -> None:
    """The other pod refuses, or answers in the first one's place."""
    apply(cluster, namespace, pod("web-0", 8080), pod("other", port))
    mine, others = addresses(cluster, namespace, "web-0", "other")
    apply(cluster, namespace, *service_for(others, EARLIER))
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        says("pod-address-reused"),
        SETTLE_SECONDS,
    )
    assert (answer.root, answer.code) == ("pod-address-reused", 1), answer
    assert answer.report["root"]["certainty"] == "proved"
    assert mine in answer.report["root"]["fix"]["summary"]
    apply(cluster, namespace, *service_for(mine, EARLIER))
    healthy = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        says(None),
        SETTLE_SECONDS,
    )
    assert (healthy.root, healthy.code) == (None, 0), healthy
