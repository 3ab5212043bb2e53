"""Ports, addresses and clients that Services share: seen in both modes of kube-proxy, one namespace for all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace, running
from .tool import Answer, refused, until
from .witness_shop import pod, python, service, shell

SETTLE_SECONDS = 60.0
LISTEN = "import http.server as h; h.HTTPServer(('', {}), h.SimpleHTTPRequestHandler).serve_forever()"
SERVER = python(LISTEN.format(8080))
# One in the nodePort range, one above it, both beneath the ephemeral ports.
NODE_PORT, HOST_PORT = 31871, 32771
BALANCER, EXTERNAL = "203.0.113.71", "198.51.100.71"


def labelled(made: dict[str, Any], app: str) -> dict[str, Any]:
    made["metadata"]["labels"] = {"app": app}
    return made


def specified(made: dict[str, Any], **spec: Any) -> dict[str, Any]:
    made["spec"] |= spec
    return made


def on_host(name: str, port: int) -> dict[str, Any]:
    """A server on the network of node1."""
    return pod(name, python(LISTEN.format(port)), hostNetwork=True, nodeName="node1")


def udp(name: str, app: str) -> dict[str, Any]:
    made = service(name, {"app": app}, 80, 8080)
    made["spec"]["ports"][0]["protocol"] = "UDP"
    return made


OBJECTS = [
    pod("web", SERVER),
    pod("cart", python("import time; time.sleep(3600)")),
    labelled(pod("held-a", SERVER), "held"),
    labelled(pod("held-b", shell("exec sleep 3600")), "held"),
    specified(service("held", {"app": "held"}, 80, 8080), sessionAffinity="ClientIP"),
    on_host("host", NODE_PORT),
    on_host("walled", HOST_PORT),
    service("host", {"app": "host"}, 80, NODE_PORT),
    service("walled", {"app": "walled"}, 80, HOST_PORT),
    udp("datagrams", "web"),
    specified(
        service("balanced", {"app": "web"}, 80, 8080),
        type="LoadBalancer",
        loadBalancerSourceRanges=["192.0.2.0/24"],
        allocateLoadBalancerNodePorts=False,
    ),
    specified(service("claimed", {"app": "web"}, 80, 8080), externalIPs=[EXTERNAL]),
]


@dataclass(frozen=True)
class Shop:
    """One namespace of one cluster, furnished once."""

    cluster: Cluster
    namespace: str

    def ask(self, target: str, *words: str, root: str | None, found: str = "") -> Answer:
        """Ask until the root is the one awaited, or `found` is among all findings."""
        return until(
            lambda: refused(self.cluster.kubeconfig, target, "-n", self.namespace, *words, "-o", "json"),
            lambda answer: bool(answer.out) and (answer.root == root or found in names(answer)),
            SETTLE_SECONDS,
        )

    def apply(self, *objects: dict[str, Any]) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.cluster.apply(json.dumps(listed), namespace=self.namespace)

    def balance(self) -> None:
        """What a cloud's controller would write."""
        status = {"loadBalancer": {"ingress": [{"ip": BALANCER}]}}
        words = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        self.cluster.kubectl("patch", "svc", "balanced", "-n", self.namespace, *words)

    @contextmanager
    def rule(self, text: str) -> Iterator[None]:
        """One rule before what comes in at node1, in a table of its own that goes again."""
        table = f"live_{self.namespace.replace('-', '_')}"
        given = f"table inet {table} {{\nchain inward {{\ntype filter hook input priority -300\n{text}\n}}\n}}\n"
        self.cluster.run_on_node(1, ["nft", "-f", "-"], given=given.encode())
        try:
            yield
        finally:
            self.cluster.run_on_node(1, ["nft", "delete", "table", "inet", table])


def names(answer: Answer) -> set[str]:
    """Every finding of every path."""
    told = [fault for path in answer.report["paths"] for fault in (path["root"], *path["chain"]) if fault]
    return {fault["name"] for fault in told}


@pytest.fixture(scope="module", params=["nftables", "iptables"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    cluster = running(request.param)
    made = Shop(cluster, fresh_namespace(cluster))
    made.apply(*OBJECTS)
    ready = ("--for=condition=Ready", "pod", "--all", "--timeout=90s")
    cluster.kubectl("wait", "-n", made.namespace, *ready, timeout=120)
    made.balance()
    yield made
    cluster.client().call("DELETE", f"/api/v1/namespaces/{made.namespace}")


def test_a_udp_service_whose_app_speaks_tcp(shop: Shop) -> None:
    answer = shop.ask("svc/datagrams", root="listens-on-tcp-only")
    assert (answer.root, answer.code) == ("listens-on-tcp-only", 1), answer
    assert "protocol" in answer.report["root"]["fix"]["command"]


def test_a_client_that_affinity_holds_on_a_dead_backend(shop: Shop) -> None:
    """Which client is held is chance: among several of them one is, sooner or later, and stays so."""
    answer = shop.ask(
        "svc/held", "--dials", "3", root="affinity-holds-failing-backend", found="affinity-holds-failing-backend"
    )
    assert answer.root == "affinity-holds-failing-backend", answer
    root = answer.report["root"]
    assert (root["certainty"], answer.code) == ("proved", 1), answer
    assert "held-b" in root["headline"]
    assert len(names(answer)) > 1, "why the backend fails follows"


def test_a_node_port_without_endpoints_rejects_a_pod_on_the_host(shop: Shop) -> None:
    assert shop.ask("svc/host", root=None).code == 0
    idle = specified(service("idle", {"app": "nobody"}, 80, 8080), type="NodePort")
    idle["spec"]["ports"][0]["nodePort"] = NODE_PORT
    shop.apply(idle)
    answer = shop.ask("svc/host", root="node-port-rejects-host-process")
    assert (answer.root, answer.code) == ("node-port-rejects-host-process", 1), answer
    assert names(answer) == {"node-port-rejects-host-process"}, "no firewall besides"
    assert "svc/idle" in answer.report["root"]["headline"]
    shop.cluster.kubectl("delete", "svc", "idle", "-n", shop.namespace)
    assert shop.ask("svc/host", root=None).code == 0


@pytest.mark.parametrize("verdict", ["drop", "reject with icmp type admin-prohibited"])
def test_a_firewall_of_the_node_before_a_pod_on_its_network(shop: Shop, verdict: str) -> None:
    with shop.rule(f'iifname "eth0" tcp dport {HOST_PORT} {verdict}'):
        answer = shop.ask("svc/walled", "--from", "every-node", root="node-firewall-blocks-pod")
        root = answer.report["root"]
        assert (root["name"], root["certainty"], root["where"]) == (
            "node-firewall-blocks-pod",
            "proved",
            "node/node1",
        ), answer
        assert names(answer) == {"node-firewall-blocks-pod"}, answer
    assert shop.ask("svc/walled", "--from", "every-node", root=None).code == 0


def test_a_client_outside_of_the_load_balancers_ranges(shop: Shop) -> None:
    assert shop.ask("svc/balanced", root=None).code == 0, "nobody was named who would go there"
    answer = shop.ask("svc/balanced", "--from", "pod/cart", root="load-balancer-excludes-client")
    assert (answer.root, answer.code) == ("load-balancer-excludes-client", 3), answer
    assert BALANCER in answer.report["root"]["where"]
    spec = {"loadBalancerSourceRanges": ["192.0.2.0/24", "10.202.0.0/16"]}
    shop.apply(specified(service("balanced", {"app": "web"}, 80, 8080), type="LoadBalancer", **spec))
    shop.balance()
    assert shop.ask("svc/balanced", "--from", "pod/cart", root=None).code == 0


def test_two_services_with_one_external_address(shop: Shop) -> None:
    assert shop.ask("svc/claimed", root=None).code == 0
    shop.apply(specified(service("rival", {"app": "web"}, 80, 9999), externalIPs=[EXTERNAL]))
    answer = shop.ask("svc/claimed", root="external-address-claimed-twice")
    assert answer.root == "external-address-claimed-twice", answer
    assert "svc/rival" in answer.report["root"]["headline"]
    shop.cluster.kubectl("delete", "svc", "rival", "-n", shop.namespace)


def test_a_node_port_is_given_out_once(shop: Shop) -> None:
    first = specified(service("first", {"app": "web"}, 80, 8080), type="NodePort")
    shop.apply(first)
    made = shop.cluster.client().call("GET", f"/api/v1/namespaces/{shop.namespace}/services/first")
    port = made["spec"]["ports"][0]["nodePort"]
    words = ("create", "service", "nodeport", "second", "--tcp=80:80", f"--node-port={port}", "-n", shop.namespace)
    done = shop.cluster.kubectl(*words, check=False)
    assert "provided port is already allocated" in done.stderr
