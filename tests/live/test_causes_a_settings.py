"""Clients whose own settings lead past a Service that works, live; and those that are told its address."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, SLEEPS
from .small_shop import deployment
from .tool import refused, until
from .witness_shop import service

SETTLE_SECONDS = 60.0
# Deployment: the client's variables.
CLIENTS = {
    "port": {"WEB_URL": "http://web:8080/items"},
    "itself": {"WEB_URL": "http://localhost:80/items"},
    "slip": {"UPSTREAM": "web-v1:80"},
    "secret": {"WEB_DSN": "http://me:s3cr3t@web:8080"},
    "well": {"WEB_URL": "http://web:80", "WEB_LISTEN": "127.0.0.1:80", "OTHER": "http://ham.example:8080"},
}
FAULTS = [
    ("port", "web:8080", "http://web:80/items"),
    ("itself", "localhost:80", "http://web:80/items"),
    ("slip", "web-v1:80", "web-v2:80"),
]


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with the Services web and web-v2, and a client of every sort."""
    namespace = fresh_namespace(cluster)
    items = [deployment("web", HTTPD), *(service(name, {"app": "web"}, 80, 8080) for name in ("web", "web-v2"))]
    for name, variables in CLIENTS.items():
        env = [{"name": key, "value": value} for key, value in variables.items()]
        items.append(deployment(name, SLEEPS | {"env": env}))
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    cluster.kubectl(
        "wait", "-n", namespace, "--for=condition=Available", "deploy", "--all", "--timeout=90s", timeout=120
    )
    yield namespace
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize(("who", "told", "meant"), FAULTS, ids=[who for who, _, _ in FAULTS])
def test_a_client_is_told_another_address(cluster: Cluster, shop: str, who: str, told: str, meant: str) -> None:
    asked = "svc/web-v2" if who == "slip" else "svc/web"
    answer = refused(cluster.kubeconfig, asked, "-n", shop, "--from", f"deploy/{who}", "-o", "json")
    root = answer.report["root"]
    assert (answer.code, answer.root) == (1, "client-configured-elsewhere"), answer
    assert (root["certainty"], answer.report["outcome"]) == ("proved", "accepted")
    assert told in root["headline"]
    assert meant in root["fix"]["command"]


def test_a_secret_beside_the_address_is_not_told(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, "svc/web", "-n", shop, "--from", "deploy/secret", "-o", "json")
    assert answer.root == "client-configured-elsewhere", answer
    assert "s3cr3t" not in answer.out


def test_a_client_that_is_told_the_services_address_is_well(cluster: Cluster, shop: str) -> None:
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", shop, "--from", "deploy/well", "-o", "json"),
        lambda answer: answer.code == 0,
        SETTLE_SECONDS,
    )
    assert (answer.code, answer.root) == (0, None), answer
