"""Who sent the ICMP error, by name, on a real cluster: the service proxy, a policy's node, a gone pod's node."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from . import every_proxy_mode
from .conftest import fresh_namespace
from .test_probe_pod import apply
from .tool import Answer, refused, until
from .witness_shop import pod, service, shell

STYLE = "kubectl-refused.test/policy-style"
SETTLE_SECONDS = 60.0
DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny-all"},
    "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]},
}


@pytest.fixture(params=["reject", "prohibit"])
def strict(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A namespace whose policies answer with an ICMP error, and which one: unreachable or prohibited."""
    name = fresh_namespace(cluster, {STYLE: request.param})
    yield name, request.param
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def ask(cluster: Cluster, namespace: str, *words: str) -> Answer:
    return refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json", *words)


def rejecters(answer: Answer) -> list[str]:
    """Who rejected the entrance and the endpoint, as the report names them, without the distance."""
    dials = [dial for path in answer.report["paths"] for dial in path["dials"]]
    return [re.sub(r", (no|\d+) routers? away$", "", dial["rejectedBy"]) for dial in dials if dial["rejectedBy"]]


def node_of(cluster: Cluster, namespace: str, name: str) -> tuple[str, str]:
    """The pod's node, and the pod's address."""
    found = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
    return found["spec"]["nodeName"], found["status"]["podIP"]


def served(cluster: Cluster, namespace: str, *more: dict[str, Any], **spec: Any) -> str:
    """svc/web with its pod, ready; returns the pod's node."""
    web = pod("web", shell("exec httpd -f -p 8080"), **spec)
    apply(cluster, namespace, web, service("web", {"app": "web"}, 80, 8080), *more)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/web", "--timeout=60s")
    return node_of(cluster, namespace, "web")[0]


@every_proxy_mode
def test_a_service_without_endpoints_is_refused_by_the_proxy_of_the_clients_node(
    cluster: Cluster, namespace: str
) -> None:
    """Nobody listens, so the pod never becomes ready; what proves that comes after the dial."""
    probe = {"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    idle = pod("web", {**shell("exec sleep 3600"), **probe})
    apply(cluster, namespace, idle, service("web", {"app": "web"}, 80, 8080))
    answer = until(lambda: ask(cluster, namespace), lambda a: bool(rejecters(a)), SETTLE_SECONDS)
    (told,) = rejecters(answer)
    (path,) = answer.report["paths"]
    node = path["vantage"].rpartition(" ")[2]
    number = cluster.node_names.index(node) + 1
    assert told == f"the service proxy of {node} (10.202.{number}.1)", answer


def test_a_policy_that_rejects_is_named_with_its_node(cluster: Cluster, strict: tuple[str, str]) -> None:
    namespace, style = strict
    node = served(cluster, namespace, DENY_ALL)
    answer = until(lambda: ask(cluster, namespace), lambda a: len(rejecters(a)) == 2, SETTLE_SECONDS)
    entrance, endpoint = rejecters(answer)
    assert endpoint.startswith(f"{node}, likely by NetworkPolicy deny-all (10.20"), (style, answer)
    assert entrance.startswith(f"{endpoint} behind svc/web (10.96."), (style, answer)


def test_a_gone_pods_address_is_answered_by_its_node(cluster: Cluster, namespace: str) -> None:
    """The slice is written by hand, as a dead controller would have left it; nobody has the address any more."""
    node = served(cluster, namespace)
    _, address = node_of(cluster, namespace, "web")
    cluster.kubectl("delete", "-n", namespace, "svc/web", "pod/web", "--wait=true")
    stale = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "stale", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "targetRef": {"kind": "Pod", "name": "web"}, "nodeName": node}],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    }
    apply(cluster, namespace, service("web", None, 80, 8080), stale)
    nobodys = "belongs to no pod, node or Service of the cluster"
    untouched = until(lambda: ask(cluster, namespace), lambda a: nobodys in a.out, SETTLE_SECONDS)
    assert rejecters(untouched) == []
    assert nobodys in json.dumps(untouched.report["gaps"])
    answer = until(lambda: ask(cluster, namespace, "--dial-any"), lambda a: len(rejecters(a)) == 2, SETTLE_SECONDS)
    entrance, endpoint = rejecters(answer)
    assert endpoint.startswith(f"{node} (10.20"), answer
    assert entrance.startswith(f"{endpoint} behind svc/web (10.96."), answer
