"""Clients whose own connections tell why they fail, live: no local port left, or an address of long ago."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD
from .small_shop import deployment
from .tool import Answer, refused, until
from .witness_shop import python, service

SETTLE_SECONDS = 60.0
HOARDS = python("""
import socket, time
held = []
while True:
    try:
        held.append(socket.create_connection(("web", 80), 5))
    except OSError:
        time.sleep(0.2)
""")
# It never asks for the name: the address is the one that Kubernetes told it when it started.
REMEMBERS = python("""
import os, socket, time
while True:
    with socket.socket() as one:
        one.settimeout(30)
        try:
            one.connect((os.environ["WEB_SERVICE_HOST"], 80))
            time.sleep(1)
        except OSError:
            time.sleep(0.1)
""")
FEW_PORTS = {"sysctls": [{"name": "net.ipv4.ip_local_port_range", "value": "40000 40015"}]}
WEB = service("web", {"app": "web"}, 80, 8080)


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with the Service web and two clients of it."""
    namespace = fresh_namespace(cluster)
    apply(cluster, namespace, WEB, deployment("web", HTTPD))
    clients = deployment("hoards", HOARDS, securityContext=FEW_PORTS), deployment("remembers", REMEMBERS)
    apply(cluster, namespace, *clients)
    cluster.kubectl(
        "wait", "-n", namespace, "--for=condition=Available", "deploy", "--all", "--timeout=90s", timeout=120
    )
    yield namespace
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def apply(cluster: Cluster, namespace: str, *items: object) -> None:
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)


def asked(cluster: Cluster, shop: str, who: str, root: str | None) -> Answer:
    """With the eyes of that client, until the root is the one awaited."""
    return until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", shop, "--from", f"deploy/{who}", "-o", "json"),
        lambda answer: answer.root == root and answer.code in (0, 1),
        SETTLE_SECONDS,
    )


def test_a_client_without_local_ports(cluster: Cluster, shop: str) -> None:
    answer = asked(cluster, shop, "hoards", "client-has-no-local-port")
    root = answer.report["root"]
    assert (answer.code, answer.root, root["certainty"]) == (1, "client-has-no-local-port", "proved"), answer
    assert "(40000 to 40015)" in root["says"]
    assert answer.report["paths"][0]["chain"] == []


def test_a_client_that_keeps_the_address_of_a_service_made_anew(cluster: Cluster, shop: str) -> None:
    before = asked(cluster, shop, "remembers", None)
    assert (before.code, before.root) == (0, None), before
    cluster.kubectl("delete", "-n", shop, "service", "web")
    apply(cluster, shop, WEB)
    answer = asked(cluster, shop, "remembers", "client-keeps-old-address")
    root = answer.report["root"]
    assert (answer.code, answer.root, root["certainty"]) == (1, "client-keeps-old-address", "proved"), answer
    assert answer.report["outcome"] == "accepted"
    assert "rollout restart deployment/remembers" in root["fix"]["command"]
