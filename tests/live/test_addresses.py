"""Addresses in front of Services, for real: nodePorts, hostPorts, load balancers, and what leads to a Service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.cluster.debian import environment

from .conftest import fresh_namespace
from .from_shop import HTTPD
from .small_shop import deployment
from .test_entrances import ingress
from .tool import RUN_SECONDS, Answer
from .witness_shop import service

SPACES = "/api/v1/namespaces"


@dataclass(frozen=True)
class Shop:
    """`web` by a nodePort of every node, `near` by that of node1 only, `lb` without a load balancer, and a pod
    with a hostPort on node1."""

    cluster: Cluster
    namespace: str

    def refused(self, *words: str, at: Path | None = None) -> Answer:
        """The tool as on a machine outside of the cluster, or in another network namespace."""
        argv = ["nsenter", f"--net={at or self.cluster.outer_netns()}", sys.executable, "-m", "kubectl_refused"]
        done = subprocess.run(
            [*argv, "--kubeconfig", str(self.cluster.kubeconfig), *words, "-n", self.namespace, "-o", "json"],
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.client().call("GET", f"{SPACES}/{self.namespace}/services/{name}")
        return found

    def node_port(self, name: str) -> int:
        return int(self.service(name)["spec"]["ports"][0]["nodePort"])


@pytest.fixture(scope="module")
def front(cluster: Cluster) -> Iterator[Shop]:
    space = fresh_namespace(cluster)
    pinned = {"nodeSelector": {"kubernetes.io/hostname": "node1"}}
    host_port = 20000 + int(space[-4:], 16) % 9000
    ported = {**HTTPD, "ports": [{"containerPort": 8080, "hostPort": host_port}]}
    items = [
        deployment("web", HTTPD, **pinned),
        deployment("ported", ported, **pinned),
        deployment("second", ported, **pinned),
        deployment("bound", _at_loopback(host_port + 1), **pinned),
        service("second", {"app": "second"}, 80, 8080),
        _typed(service("web", {"app": "web"}, 80, 8080), "NodePort"),
        _typed(service("near", {"app": "web"}, 80, 8080), "NodePort", externalTrafficPolicy="Local"),
        _typed(service("lb", {"app": "web"}, 80, 8080), "LoadBalancer", externalTrafficPolicy="Local"),
        ingress("shop", space, {"/": ("web", 80), "/near": ("near", 80)}, host=f"cart-{space}.example"),
    ]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=space)
    ready = ("--for=condition=Available", "deploy/web", "deploy/ported", "deploy/bound", "--timeout=90s")
    cluster.kubectl("wait", "-n", space, *ready, timeout=120)
    yield Shop(cluster, space)
    cluster.client().call("DELETE", f"{SPACES}/{space}")


def _at_loopback(port: int) -> dict[str, Any]:
    return {**HTTPD, "ports": [{"containerPort": 8080, "hostPort": port, "hostIP": "127.0.0.1"}]}


def _typed(made: dict[str, Any], kind: str, **spec: Any) -> dict[str, Any]:
    return {**made, "spec": {**made["spec"], "type": kind, **spec}}


def roots(answer: Answer) -> dict[str, str | None]:
    """The root's name by target."""
    return {item["target"]: (item["root"] or {}).get("name") for item in answer.report["items"]}


def test_ports_of_nodes(front: Shop) -> None:
    """A nodePort works from within and from outside; the Service's own port is none, and node9 is no node."""
    port = front.node_port("web")
    host_port = min(_host_ports(front))
    words = [f"node/node1:{port}", f"node/node2:{port}", "node/node1:80", f"node/node9:{port}"]
    words += [f"node/node1:{host_port}", f"node/node1:{host_port + 1}", f"node/node2:{front.node_port('near')}"]
    answer = front.refused(*words)
    assert roots(answer) == {
        f"node/node1:{port}": None,
        f"node/node2:{port}": None,
        "node/node1:80": "no-such-node-port",
        f"node/node9:{port}": "no-such-node",
        f"node/node1:{host_port}": None,
        f"node/node1:{host_port + 1}": "host-port-not-forwarded",  # bound to 127.0.0.1 of the node
        f"node/node2:{front.node_port('near')}": "node-lacks-local-endpoint",
    }, answer
    first, *_ = answer.report["items"]
    assert [path["outcome"] for path in first["paths"]] == ["accepted", "accepted"], answer
    assert {path["vantage"] for path in first["paths"]} >= {"this machine"}, answer


def _host_ports(front: Shop) -> Iterator[int]:
    pods = front.cluster.client().call("GET", f"{SPACES}/{front.namespace}/pods")["items"]
    ports = (p for pod in pods for c in pod["spec"]["containers"] for p in c.get("ports", ()))
    yield from (port["hostPort"] for port in ports if "hostPort" in port)


def test_an_address_leads_to_what_has_it(front: Shop) -> None:
    web = front.service("web")
    pods = front.cluster.client().call("GET", f"{SPACES}/{front.namespace}/pods")["items"]
    pod = next(one for one in pods if one["metadata"]["labels"]["app"] == "web")
    port = front.node_port("web")
    words = [
        f"{web['spec']['clusterIP']}:80",
        f"web.{front.namespace}.svc.cluster.local:80",
        f"{pod['status']['podIP']}:8080",
        f"{front.cluster.node_address(1)}:{port}",
    ]
    answer = front.refused(*words)
    assert [(item["target"], item["outcome"]) for item in answer.report["items"]] == [
        ("svc/web:80", "accepted"),
        (f"pod/{pod['metadata']['name']}:8080", "accepted"),
        (f"node/node1:{port}", "accepted"),
    ], answer
    assert answer.code == 0


def test_a_node_serves_no_node_port_at_localhost(front: Shop) -> None:
    """On the node itself, whose kube-proxy is in nftables mode."""
    port = front.node_port("web")
    answer = front.refused(f"127.0.0.1:{port}", at=front.cluster.node_netns(1))
    assert (answer.root, answer.code) == ("node-port-not-on-loopback", 1), answer
    fix = answer.report["root"]["fix"]["summary"]
    assert fix == f"Dial {front.cluster.node_address(1)}:{port}" or fix.endswith(f":{port}"), answer


@contextmanager
def ruled(front: Shop, port: int, hook: str, verdict: str, *, on_node: bool) -> Iterator[None]:
    """A rule for that port alone: on node1, or on the outer network as a firewall before the nodes.

    nft is the node's own; without its network it works on the one outside. On node1 it is a rule for node1's own
    address: one for the port alone would stop its pods on their way to other nodes too, as the probe pod is
    sometimes one of them, and then nobody could tell this node from the others.
    """
    table = f"ruled_{port}"
    to_node = f"ip daddr {front.cluster.node_address(1)} " if on_node else ""
    chain = f"chain held {{ type filter hook {hook} priority -350; {to_node}tcp dport {port} {verdict}; }}"
    rule = f"table inet {table} {{\n{chain}\n}}\n"
    inside = (front.cluster.layout.state / "node1.pid").read_text()
    outer = ["nsenter", f"--target={front.cluster.supervisor.pid}", "--pid", "--mount", "--net"]
    nft = [*outer, "nsenter", f"--target={inside}", "--mount", *(["--net"] if on_node else []), "nft"]
    subprocess.run([*nft, "-f", "-"], input=rule, text=True, check=True, timeout=RUN_SECONDS, env=environment())
    try:
        yield
    finally:
        words = [*nft, "delete", "table", "inet", table]
        subprocess.run(words, check=True, timeout=RUN_SECONDS, env=environment())


def test_a_node_that_does_not_serve_a_node_port(front: Shop) -> None:
    port = front.node_port("web")
    with ruled(front, port, "prerouting", "drop", on_node=True):
        answer = front.refused(f"node/node1:{port}")
    assert (answer.root, answer.code) == ("node-port-unserved-on-node", 1), answer
    assert answer.report["root"]["headline"].startswith(f"node1 does not serve nodePort {port}"), answer


def test_a_node_port_that_is_closed_to_outside(front: Shop) -> None:
    """It works from a pod; the control plane, which shares the outer network, has no business at that port."""
    port = front.node_port("near")
    with ruled(front, port, "output", "drop", on_node=False):
        answer = front.refused(f"node/node1:{port}")
    assert (answer.root, answer.code) == ("closed-to-outside", 1), answer
    told = {path["vantage"]: path["outcome"] for path in answer.report["paths"]}
    assert told.pop("this machine") == "timeout", answer
    assert list(told.values()) == ["accepted"], answer


def test_a_host_port_that_another_pod_has_keeps_its_pod_pending(front: Shop) -> None:
    """Whichever of the two came second; the other one is well."""
    answer = front.refused("svc/second", "deploy/ported", "--probe", "none")
    told = [item["root"] for item in answer.report["items"] if item["root"]]
    assert [root["name"] for root in told] == ["unschedulable"], answer
    assert "hostPort is taken" in told[0]["headline"], answer


def test_a_load_balancer_that_nobody_makes(front: Shop) -> None:
    answer = front.refused("lb/lb")
    assert (answer.root, answer.code) == ("load-balancer-without-address", 1), answer
    other = front.refused("lb/web", "--probe", "none")
    assert (other.root, other.code) == ("no-load-balancer", 1), other
    assert f"nodePort {front.node_port('lb')}" in answer.report["root"]["fix"]["summary"], answer


def test_health_checks_are_served_by_kube_proxy(front: Shop) -> None:
    """An address of a documentation range stands in for a load balancer; the nodes answer for it within."""
    path = f"{SPACES}/{front.namespace}/services"
    made = _typed(service("given", {"app": "web"}, 80, 8080), "LoadBalancer", externalTrafficPolicy="Local")
    front.cluster.client().create(path, made)
    status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.77"}]}}})
    words = ("patch", "svc/given", "-n", front.namespace, "--subresource=status", "--type=merge", "-p", status)
    front.cluster.kubectl(*words)
    answer = front.refused("lb/given", "--probe", "pods")
    told = {path["vantage"]: path for path in answer.report["paths"]}
    within = next(path for vantage, path in told.items() if vantage != "this machine")
    assert within["outcome"] == "accepted", answer
    assert within["root"] is None, answer
    assert told["this machine"]["entrance"] == "192.0.2.77:80", answer
    checks = int(front.service("given")["spec"]["healthCheckNodePort"])
    with ruled(front, checks, "input", "reject with tcp reset", on_node=True):
        answer = front.refused("lb/given", "--probe", "pods")
    roots_told = [path["root"]["name"] for path in answer.report["paths"] if path["root"]]
    assert "health-check-port-refused" in roots_told, answer


def test_what_leads_to_a_service_is_found_backwards(front: Shop) -> None:
    port = front.node_port("web")
    answer = front.refused("svc/web", "--entrances")
    assert list(roots(answer)) == [
        "svc/web",
        "ingress/shop",
        f"node/node1:{port}",
        f"node/node2:{port}",
    ], answer
    rules = [path["rule"] for path in answer.report["items"][1]["paths"]]
    assert rules == [f"cart-{front.namespace}.example/"], "only the rule that leads to it"


def test_the_nearest_host_of_all_rules(front: Shop) -> None:
    """No DNS of this machine knows the name, so that a slip of the pen is all that is left."""
    answer = front.refused(f"http://crat-{front.namespace}.example/", "--probe", "none")
    assert (answer.root, answer.code) == ("no-rule-for-host", 1), answer
    meant = [one["differs"]["host"][1] for one in answer.report["root"]["evidence"] if one["kind"] == "nearest"]
    assert meant == [f"cart-{front.namespace}.example"], answer
