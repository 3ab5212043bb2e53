"""Faults between Service and endpoints under kube-proxy's iptables mode: one namespace, one Service for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace, running
from .small_shop import deployment
from .test_dial_any import by_hand
from .tool import refused, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 60.0
SERVER = shell("exec httpd -f -p 8080")


def ported(name: str, *ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A Service of the pod `web` with those ports."""
    made = service(name, {"app": "web"}, 80, 8080)
    made["spec"] |= {"ports": list(ports) or made["spec"]["ports"], **spec}
    return made


def none_left(name: str) -> dict[str, Any]:
    made = deployment(name, SERVER)
    made["spec"]["replicas"] = 0
    return made


def misnamed() -> list[dict[str, Any]]:
    """A Service by hand whose slice calls the port something else."""
    made, part = service("misnamed", None, 80, 8080), by_hand("10.202.1.250", 8080)
    made["spec"]["ports"] = [{"name": "http", "port": 80}]
    part["metadata"] |= {"name": "misnamed-1", "labels": {"kubernetes.io/service-name": "misnamed"}}
    part["ports"] = [{"name": "web", "port": 8080, "protocol": "TCP"}]
    return [made, part]


NAMED, NUMBERED = {"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 81, "targetPort": 8080}
OBJECTS = [
    pod("web", SERVER, nodeName="node1"),
    ported("unnamed", NAMED),
    ported("half", NAMED, NUMBERED),
    ported("local", internalTrafficPolicy="Local"),
    service("bare", None, 80, 8080),
    service("none", {"app": "wbe"}, 80, 8080),
    none_left("idle"),
    service("idle", {"app": "idle"}, 80, 8080),
    *misnamed(),
]
ROOTS = {
    "unnamed": ("named-target-port-missing", "rejected"),
    "half:a": ("one-port-unresolved", "rejected"),
    "bare": ("no-selector-and-no-slice", "rejected"),
    "none": ("selector-matches-nothing", "rejected"),
    "idle": ("zero-replicas", "rejected"),
    "misnamed": ("slice-port-name-differs", "rejected"),
    "local": ("no-local-endpoint", "timeout"),
}


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Cluster, str]]:
    cluster = running("iptables")
    namespace = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}), namespace=namespace)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/web", "--timeout=60s", timeout=90)
    yield cluster, namespace
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("target", ROOTS)
def test_the_root_is_named_in_iptables_mode(shop: tuple[Cluster, str], target: str) -> None:
    cluster, namespace = shop
    root, outcome = ROOTS[target]
    words = (f"svc/{target}", "-n", namespace, "-o", "json", "--from", "node/node2")
    answer = until(
        lambda: refused(cluster.kubeconfig, *words),
        lambda one: bool(one.out) and one.root == root,
        SETTLE_SECONDS,
    )
    assert (answer.root, answer.code) == (root, 1), answer
    assert answer.report["outcome"] in (outcome, "untried"), "objects alone prove it, or the dial agrees"
