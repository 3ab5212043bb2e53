"""Clients whose own settings lead past a Service that works, live; and those that are told its address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, SLEEPS
from .people import grants_up_to, person
from .small_shop import deployment
from .tool import refused, until
from .witness_shop import service

SETTLE_SECONDS = 60.0
TOLD = "http://web:8080/items"
# Deployment: the client's variables.
CLIENTS = {
    "port": {"WEB_URL": "http://web:8080/items"},
    "itself": {"WEB_URL": "http://localhost:80/items"},
    "slip": {"UPSTREAM": "web-v1:80"},
    "secret": {"WEB_DSN": "http://me:s3cr3t@web:8080"},
    "well": {"WEB_URL": "http://web:80", "WEB_LISTEN": "127.0.0.1:80", "OTHER": "http://ham.example:8080"},
}
# Deployment: what its container has besides, of the ConfigMap and the Secret called app.
OUTSIDE = {
    "config": {"env": [{"name": "UP", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "WEB_URL"}}}]},
    "hidden": {"env": [{"name": "WEB_URL", "valueFrom": {"secretKeyRef": {"name": "app", "key": "url"}}}]},
}
FAULTS = [
    ("port", "web:8080", "http://web:80/items"),
    ("itself", "localhost:80", "http://web:80/items"),
    ("slip", "web-v1:80", "web-v2:80"),
    ("config", "web:8080", "http://web:80/items"),
]


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with the Services web and web-v2, and a client of every sort."""
    namespace = fresh_namespace(cluster)
    items = [deployment("web", HTTPD), *(service(name, {"app": "web"}, 80, 8080) for name in ("web", "web-v2"))]
    for name, variables in CLIENTS.items():
        env = [{"name": key, "value": value} for key, value in variables.items()]
        items.append(deployment(name, SLEEPS | {"env": env}))
    items += [deployment(name, SLEEPS | more) for name, more in OUTSIDE.items()]
    for kind, held in (("ConfigMap", {"data": {"WEB_URL": TOLD}}), ("Secret", {"stringData": {"url": TOLD}})):
        items.append({"apiVersion": "v1", "kind": kind, "metadata": {"name": "app"}, **held})
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


def test_what_is_in_a_secret_is_said_to_be_unread(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, "svc/web", "-n", shop, "--from", "deploy/hidden", "-o", "json")
    (note,) = answer.report["notes"]
    assert (answer.code, answer.root, note["name"]) == (0, None, "client-setting-in-secret"), answer
    assert "the value of WEB_URL is in secret/app, not read" in note["says"]
    assert "8080/items" not in answer.out


def test_a_config_map_that_may_not_be_read_is_a_gap(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    kept = [grant for grant in grants_up_to("pods") if grant.resource != "configmaps"]
    someone = person(cluster, shop, kept, tmp_path)
    answer = refused(someone, "svc/web", "-n", shop, "--from", "deploy/config", "-o", "json")
    (gap,) = answer.report["gaps"]
    assert (answer.code, answer.root, answer.report["outcome"]) == (0, None, "accepted"), answer
    assert gap["what"] == "the client's variables from configmap/app"
    assert (gap["because"], gap["remedy"]) == (
        f"forbidden: get configmaps in namespace {shop}",
        "grant get configmaps",
    )
