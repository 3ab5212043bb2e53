"""The way between client and pod, broken by hand in one node for one pod: hairpins, routes, a firewall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .small_shop import deployment
from .tool import Answer, refused, says, until
from .witness_shop import python, service

SETTLE_SECONDS = 45.0
SERVER = python("import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()")


@dataclass(frozen=True)
class Place:
    """A pod behind svc/web: where it is, and which of its node's interfaces leads to it."""

    cluster: Cluster
    namespace: str
    pod: str
    address: str
    number: int
    interface: str

    def on_node(self, *words: str, given: str = "", check: bool = True) -> None:
        """Run a program in the pod's node."""
        self.cluster.run_on_node(self.number, words, given=given.encode() or None, check=check)

    @contextmanager
    def rule(self, match: str) -> Iterator[None]:
        """One rule before all forwarding of the node, in a table of its own that goes again."""
        table = f"live_{self.namespace.replace('-', '_')}"
        hook = "type filter hook forward priority -300"
        text = f"table inet {table} {{\nchain forward {{\n{hook}\n{match}\n}}\n}}\n"
        self.on_node("nft", "-f", "-", given=text)
        try:
            yield
        finally:
            self.on_node("nft", "delete", "table", "inet", table)

    @contextmanager
    def without_route(self) -> Iterator[None]:
        """The node forgets which interface leads to the pod."""
        told = str(self.cluster.run_on_node(self.number, ["ip", "route", "show", self.address]).stdout).split()
        assert told[0] == self.address, told
        self.on_node("ip", "route", "del", *told)
        try:
            yield
        finally:
            self.on_node("ip", "route", "replace", *told)

    def ask(self, root: str | None, *words: str, code: int | None = None, text: str = "") -> Answer:
        """Ask until the answer is the one awaited."""
        return until(
            lambda: refused(self.cluster.kubeconfig, "svc/web", "-n", self.namespace, *words, "-o", "json"),
            says(root, code, text),
            SETTLE_SECONDS,
        )


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Iterator[Place]:
    """One replica of a server that can dial, too."""
    namespace = fresh_namespace(cluster)
    objects: list[dict[str, Any]] = [deployment("web", SERVER), service("web", {"app": "web"}, 80, 8080)]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    available = ("--for=condition=Available", "deploy/web", "--timeout=90s")
    cluster.kubectl("wait", "-n", namespace, *available, timeout=120)
    found = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"][0]
    address, node = found["status"]["podIP"], found["spec"]["nodeName"]
    number = int(node.removeprefix("node"))
    told = cluster.run_on_node(number, ["ip", "-o", "route", "get", address]).stdout
    interface = str(told).split(" dev ")[1].split()[0]
    yield Place(cluster, namespace, found["metadata"]["name"], address, number, interface)
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def test_a_firewall_that_prohibits_with_an_icmp_error_of_its_own(place: Place) -> None:
    assert place.ask(None).code == 0
    with place.rule(f"ip daddr {place.address} tcp dport 8080 reject with icmp type admin-prohibited"):
        answer = place.ask("firewall-prohibits")
        root = answer.report["root"]
        assert (answer.code, root["name"], root["certainty"]) == (1, "firewall-prohibits", "proved"), answer
        assert f"node{place.number}" in root["where"]
    assert place.ask(None).code == 0


def test_a_backend_that_cannot_be_sent_back_to_itself(place: Place) -> None:
    itself = ("--from", f"pod/{place.pod}")
    assert place.ask(None, *itself).code == 0
    # What a bridge port without hairpin mode does: nothing goes out where it came in.
    with place.rule(f'iifname "{place.interface}" oifname "{place.interface}" drop'):
        answer = place.ask("pod-cannot-reach-itself-through-service", *itself)
        root = answer.report["root"]
        assert (answer.code, root["name"]) == (1, "pod-cannot-reach-itself-through-service"), answer
        assert root["certainty"] == "proved"
        assert place.ask(None).code == 0, "nobody else is hit"


def test_a_pod_whose_node_has_lost_the_way_to_it(place: Place) -> None:
    with place.without_route():
        answer = place.ask("packets-do-not-reach-pod")
        root = answer.report["root"]
        assert (answer.code, root["name"], root["certainty"]) == (1, "packets-do-not-reach-pod", "proved"), answer
        assert root["where"] == f"pod/{place.pod}"
        assert any(one["kind"] == "sockets" for one in root["evidence"])
    healthy = place.ask(None)
    assert (healthy.code, healthy.root) == (0, None), healthy


def test_a_pod_that_only_its_own_node_reaches(place: Place) -> None:
    with place.rule(f'ip daddr {place.address} iifname "eth0" drop'):
        answer = place.ask("packets-do-not-reach-pod", "--from", "every-node", code=3, text="itself it answers")
        found = [path["root"] for path in answer.report["paths"] if path["root"]]
        assert [one["certainty"] for one in found] == ["likely"], answer
