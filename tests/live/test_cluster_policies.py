"""The embedded cluster enforces NetworkPolicies: same node and other node, inwards and outwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.api import Cluster
from tests.live.cluster_shop import open_shop, pods, wait_for_answer

POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: friends-only}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {friend: "yes"}}}], ports: [{port: http}]}]
"""


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """The namespace of an open shop."""
    yield from open_shop(cluster)


@pytest.mark.parametrize(("style", "seen"), [("drop", "TimeoutError"), ("reject", "ConnectionRefusedError")])
def test_a_network_policy_stops_strangers_only(cluster: Cluster, shop: str, style: str, seen: str) -> None:
    targets = [f"{pod['ip']}:8080" for pod in pods(cluster, shop, "web")]
    names = {pod["name"] for pod in pods(cluster, shop, "web")}
    cluster.kubectl("label", "ns", shop, f"kubectl-refused.test/policy-style={style}", "--overwrite")
    cluster.apply(POLICY, namespace=shop)
    try:
        # Same node and other node alike.
        assert wait_for_answer(cluster, shop, {seen}, *targets) == [seen, seen]
        cluster.kubectl("label", "-n", shop, "pod", "client", "friend=yes")
        assert set(wait_for_answer(cluster, shop, names, *targets)) == names
        # The kubelet's probes come from the node and always pass.
        cluster.kubectl("wait", "-n", shop, "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=5s")
    finally:
        cluster.kubectl("label", "-n", shop, "pod", "client", "friend-")
        cluster.kubectl("delete", "networkpolicy", "-n", shop, "friends-only")
    assert set(wait_for_answer(cluster, shop, names, *targets)) == names


def test_a_range_of_addresses_can_be_let_in_but_for_one(cluster: Cluster, shop: str) -> None:
    (client,) = pods(cluster, shop, "client")
    web = pods(cluster, shop, "web")
    path = f"/apis/networking.k8s.io/v1/namespaces/{shop}/networkpolicies"
    block = {"cidr": "10.202.0.0/16", "except": [f"{client['ip']}/32"]}
    ports = [{"port": 8000, "endPort": 9000}, {"port": "http", "protocol": "UDP"}]
    rule = {"from": [{"ipBlock": block}], "ports": ports}
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [rule]}
    cluster.kubectl("label", "ns", shop, "kubectl-refused.test/policy-style=reset", "--overwrite")
    cluster.client().create(path, {"metadata": {"name": "range"}, "spec": spec})
    try:
        wait_for_answer(cluster, shop, {"ConnectionRefusedError"}, f"{web[0]['ip']}:8080")
        del block["except"]
        cluster.client().call("PATCH", f"{path}/range", {"spec": spec})
        assert wait_for_answer(cluster, shop, {web[0]["name"]}, f"{web[0]['ip']}:8080") == [web[0]["name"]]
    finally:
        cluster.client().call("DELETE", f"{path}/range")


def test_egress_can_be_stopped_but_for_dns(cluster: Cluster, shop: str) -> None:
    dns = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    egress = [{"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}]
    selector = {"matchLabels": {"app": "client"}}
    spec = {"podSelector": selector, "policyTypes": ["Egress"], "egress": egress}
    path = f"/apis/networking.k8s.io/v1/namespaces/{shop}/networkpolicies"
    cluster.kubectl("label", "ns", shop, "kubectl-refused.test/policy-style=drop", "--overwrite")
    cluster.client().create(path, {"metadata": {"name": "dns-only"}, "spec": spec})
    try:
        # A name that did not resolve would be a gaierror.
        assert wait_for_answer(cluster, shop, {"TimeoutError"}, "web:80") == ["TimeoutError"]
    finally:
        cluster.client().call("DELETE", f"{path}/dns-only")
    assert wait_for_answer(cluster, shop, {pod["name"] for pod in pods(cluster, shop, "web")}, "web:80")
