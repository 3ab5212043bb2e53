"""Clients that cannot resolve the Service's name for a reason of their own, live; and those that can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, SLEEPS
from .small_shop import deployment
from .tool import Answer, refused, says, until
from .witness_shop import service

SETTLE_SECONDS = 60.0
SERVERS = {"nameservers": ["10.96.0.10"], "searches": ["svc.cluster.local", "cluster.local"]}


def client(name: str, url: str = "", **manner: Any) -> dict[str, Any]:
    """A Deployment that sleeps, with that URL in its settings."""
    return deployment(name, SLEEPS | ({"env": [{"name": "WEB_URL", "value": url}]} if url else {}), **manner)


SHOP = (
    deployment("web", HTTPD),
    service("web", {"app": "web"}, 80, 8080),
    client("defaulted", dnsPolicy="Default"),
    client("hosted", hostNetwork=True),
    client("hosted-well", hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet"),
    client("listed", dnsPolicy="None", dnsConfig=SERVERS),
)


@pytest.fixture(scope="module")
def spaces(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """(namespace of the Service, another one)."""
    shop, far = fresh_namespace(cluster), fresh_namespace(cluster)
    abroad = (
        client("short", "http://web:80/items"),
        client("long", f"http://web.{shop}:80/items"),
        # Nothing of it is the Service: a name that only ends so, a word, a path.
        client("alike", "http://my-web:80/web?of=web"),
    )
    for namespace, items in ((shop, SHOP), (far, abroad)):
        cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    for namespace in (shop, far):
        cluster.kubectl(
            "wait", "-n", namespace, "--for=condition=Available", "deploy", "--all", "--timeout=90s", timeout=120
        )
    yield shop, far
    for namespace in (shop, far):
        cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def ask(cluster: Cluster, shop: str, far: str, who: str, root: str | None) -> Answer:
    """Ask with the eyes of that Deployment until the root is the one awaited."""
    words = ("svc/web", "-n", shop, "--from", f"deploy/{who}", "--from-namespace", far, "-o", "json")
    return until(
        lambda: refused(cluster.kubeconfig, *words),
        says(root),
        SETTLE_SECONDS,
    )


@pytest.mark.parametrize(("who", "meant"), [("defaulted", "ClusterFirst"), ("hosted", "ClusterFirstWithHostNet")])
def test_a_client_that_does_not_ask_the_clusters_dns(
    cluster: Cluster, spaces: tuple[str, str], who: str, meant: str
) -> None:
    shop, _ = spaces
    answer = ask(cluster, shop, shop, who, "client-asks-other-name-servers")
    root = answer.report["root"]
    assert (answer.code, root["name"]) == (1, "client-asks-other-name-servers"), answer
    assert root["certainty"] == "proved"
    assert f'"dnsPolicy":"{meant}"' in root["fix"]["command"]


@pytest.mark.parametrize("who", ["hosted-well", "listed"])
def test_clients_that_ask_it_in_another_way_are_well(cluster: Cluster, spaces: tuple[str, str], who: str) -> None:
    shop, _ = spaces
    answer = ask(cluster, shop, shop, who, None)
    assert (answer.code, answer.root) == (0, None), answer


def test_a_client_that_dials_the_short_name_from_another_namespace(
    cluster: Cluster, spaces: tuple[str, str]
) -> None:
    answer = ask(cluster, *spaces, "short", "short-name-of-another-namespace")
    root = answer.report["root"]
    assert (answer.code, root["name"]) == (1, "short-name-of-another-namespace"), answer
    assert root["certainty"] == "proved"
    assert f"http://web.{spaces[0]}:80/items" in root["fix"]["command"]


@pytest.mark.parametrize("who", ["long", "alike"])
def test_clients_of_another_namespace_that_dial_no_short_name_are_well(
    cluster: Cluster, spaces: tuple[str, str], who: str
) -> None:
    answer = ask(cluster, *spaces, who, None)
    assert (answer.code, answer.root) == (0, None), answer
