"""What no object tells: rules before a listener, and a way that loses large packets. For one pod each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .small_shop import deployment
from .test_causes_c_paths import Place
from .witness_shop import python, service

# More than one segment, and less than the window that a new connection has.
SERVER = python("""import http.server as h
class Large(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 5000)
h.HTTPServer(("", 8080), Large).serve_forever()""")
PATH_MTU = "1300"
# Of the pod's route table: any number that nobody uses.
TABLE = "7720"
NETNS = """for n in /run/containerd/io.containerd.grpc.v1.cri/netns/*; do
nsenter --net=$n ip -o -4 addr 2>/dev/null | grep -q " $1/" && echo $n && exit 0
done; exit 1"""


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Iterator[Place]:
    """One replica of a server whose answer takes several segments."""
    namespace = fresh_namespace(cluster)
    objects: list[dict[str, Any]] = [deployment("web", SERVER), service("web", {"app": "web"}, 80, 8080)]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    available = ("--for=condition=Available", "deploy/web", "--timeout=90s")
    cluster.kubectl("wait", "-n", namespace, *available, timeout=120)
    found = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"][0]
    number = int(found["spec"]["nodeName"].removeprefix("node"))
    yield Place(cluster, namespace, found["metadata"]["name"], found["status"]["podIP"], number, "")
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


@contextmanager
def inside(place: Place, rule: str) -> Iterator[None]:
    """One rule for what comes in, in the pod's own network namespace."""
    told = place.cluster.run_on_node(place.number, ["sh", "-c", NETNS, "find", place.address])
    enter = ("nsenter", f"--net={str(told.stdout).strip()}", "nft")
    text = f"table inet chaos {{\nchain input {{\ntype filter hook input priority 0\n{rule}\n}}\n}}\n"
    place.on_node(*enter, "-f", "-", given=text)
    try:
        yield
    finally:
        place.on_node(*enter, "delete", "table", "inet", "chaos")


@contextmanager
def narrow_way(place: Place) -> Iterator[None]:
    """What the pod sends finds a link of 1300 bytes on its node, and the ICMP error about it gets lost."""
    rule = ("ip", "rule")
    told = f"ip daddr {place.address} icmp type destination-unreachable icmp code frag-needed drop"
    text = f"table inet narrow {{\nchain output {{\ntype filter hook output priority 0\n{told}\n}}\n}}\n"
    route = ("default", "via", "10.201.0.1", "dev", "eth0", "mtu", PATH_MTU, "table", TABLE)
    place.on_node("ip", "route", "replace", *route)
    place.on_node("nft", "-f", "-", given=text)
    place.on_node(*rule, "add", "from", place.address, "table", TABLE)
    try:
        yield
    finally:
        place.on_node(*rule, "del", "from", place.address, "table", TABLE)
        place.on_node("nft", "delete", "table", "inet", "narrow")
        place.on_node("ip", "route", "flush", "table", TABLE)


@pytest.mark.parametrize("verdict", ["drop", "reject with tcp reset"])
def test_rules_in_the_pods_own_network(place: Place, verdict: str) -> None:
    with inside(place, f"tcp dport 8080 {verdict}"):
        answer = place.ask("rules-drop-before-listener")
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (1, "rules-drop-before-listener", "proved"), answer
    assert root["where"] == f"pod/{place.pod}"
    assert any(one["kind"] == "sockets" for one in root["evidence"])


def test_rules_for_what_comes_in_are_told_with_less_certainty(place: Place) -> None:
    with inside(place, 'iifname "eth0" tcp dport 8080 drop'):
        answer = place.ask("rules-drop-before-listener", "--from", f"node/node{place.number}")
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (3, "rules-drop-before-listener", "likely"), answer


def test_a_way_that_loses_large_packets(place: Place) -> None:
    other = ("--from", f"node/node{3 - place.number}")
    healthy = place.ask(None, *other, "--guess-protocol")
    assert (healthy.code, healthy.root) == (0, None), healthy
    with narrow_way(place):
        answer = place.ask("large-packets-lost", *other, "--guess-protocol")
        assert place.ask(None, *other).code == 0, "a handshake alone gets through"
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (1, "large-packets-lost", "proved"), answer
    assert answer.report["outcome"] == "timeout"
    assert any("segments of 536" in one["says"] for one in root["evidence"]), answer
