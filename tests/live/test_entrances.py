"""Ingresses on a real cluster: each rule is followed to its Service, and what is wrong in front of one is told.

No controller is needed: what objects alone prove is asked, and the Services behind the rules are dialled as ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD
from .people import grants_up_to, person
from .small_shop import deployment
from .tool import Answer, refused
from .witness_shop import service

CONTROLLER = "example.com/of-a-test"


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """Service web works, and cart sends to a port on which nothing listens; a class and three Ingresses."""
    space = fresh_namespace(cluster)
    items = [
        deployment("web", HTTPD),
        service("web", {"app": "web"}, 80, 8080),
        service("cart", {"app": "web"}, 80, 9090),
        ingress(
            "shop", space, {"/": ("web", 80), "/cart": ("cart", 80), "/wish": ("wep", 80), "/old": ("web", 81)}
        ),
        ingress("slip", f"{space}x", {"/": ("web", 80)}),
        with_tls(ingress("tls", space, {"/": ("web", 80)}), "shop-tls"),
        ingress("fine", space, {"/": ("web", 80)}, host=f"*.{space}.example"),
    ]
    made: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": space},
    }
    items.append(made | {"spec": {"controller": CONTROLLER}})
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=space)
    cluster.kubectl(
        "wait", "-n", space, "--for=condition=Available", "deploy", "--all", "--timeout=90s", timeout=120
    )
    yield space
    cluster.client().call("DELETE", f"/apis/networking.k8s.io/v1/ingressclasses/{space}")
    cluster.client().call("DELETE", f"/api/v1/namespaces/{space}")


def ingress(
    name: str, of_class: str, paths: dict[str, tuple[str, int]], host: str = "shop.example"
) -> dict[str, Any]:
    """One host; each path with its Service and port."""
    rules = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": to, "port": {"number": port}}}}
        for path, (to, port) in paths.items()
    ]
    spec = {"ingressClassName": of_class, "rules": [{"host": host, "http": {"paths": rules}}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec}


def with_tls(made: dict[str, Any], secret: str) -> dict[str, Any]:
    """An Ingress whose certificate is in that Secret."""
    return {**made, "spec": {**made["spec"], "tls": [{"hosts": ["shop.example"], "secretName": secret}]}}


def roots(answer: Answer) -> dict[str, str | None]:
    """By rule, the code of each path's root."""
    return {path["rule"]: path["root"]["code"] if path["root"] else None for path in answer.report["paths"]}


def test_each_rule_has_its_own_fault(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, "ingress/shop", "-n", shop, "-o", "json")
    assert roots(answer) == {
        "shop.example/": None, "shop.example/cart": "KR401", "shop.example/wish": "KR811",
        "shop.example/old": "KR812",
    }, answer  # fmt: skip
    told = {path["rule"]: path for path in answer.report["paths"]}
    assert told["shop.example/"]["outcome"] == "accepted", answer
    assert [hop["role"] for hop in told["shop.example/cart"]["hops"]][:4] == [
        "client",
        "entrance",
        "name",
        "entrance",
    ]
    tried = [e["worked"] for e in told["shop.example/wish"]["root"]["evidence"] if e["kind"] == "trial"]
    assert (answer.code, answer.report["targetKind"], tried) == (1, "Ingress", [True]), answer


def test_a_class_that_is_misspelt_comes_before_what_stands_behind(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, "ingress/slip", "-n", shop, "--probe", "none", "-o", "json")
    root = answer.report["root"]
    assert (root["code"], root["certainty"]) == ("KR802", "proved"), answer
    assert {"class": [f"{shop}x", shop]} in [one.get("differs") for one in root["evidence"]], answer
    mended = refused(cluster.kubeconfig, "ingress/slip", "-n", shop, "--fix", "--yes", "-o", "json")
    assert (mended.code, mended.root) == (0, None), mended


def test_a_url_is_led_to_the_ingress_that_owns_it(cluster: Cluster, shop: str) -> None:
    url = f"http://www.{shop}.example/any"
    answer = refused(cluster.kubeconfig, url, "-o", "json")
    report = answer.report
    assert (answer.code, report["target"], report["namespace"]) == (0, "ingress/fine", shop), answer
    assert report["outcome"] == "accepted", answer


def test_what_is_not_there(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, "ingress/shpo", "-n", shop, "-o", "json")
    assert (answer.code, answer.root) == (1, "no-such-entrance"), answer
    assert "ingress/shop" in answer.report["root"]["fix"]["summary"], answer


def test_a_tls_secret_that_is_not_there_is_a_note(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    words = ("ingress/tls", "-n", shop, "-o", "json")
    answer = refused(cluster.kubeconfig, *words)
    (note,) = answer.report["notes"]
    assert (answer.code, note["name"]) == (0, "tls-secret-unusable"), answer
    assert "secret/shop-tls is not in namespace" in note["says"], answer
    # Who may not read Secrets is told nothing of them, and nothing is amiss without.
    someone = person(cluster, shop, grants_up_to("pods"), tmp_path)
    assert "secret" not in refused(someone, *words).out.lower()
    data = {"tls.crt": "", "tls.key": ""}
    secret = {"metadata": {"name": "shop-tls"}, "type": "kubernetes.io/tls", "data": data}
    cluster.client().create(f"/api/v1/namespaces/{shop}/secrets", secret)
    assert refused(cluster.kubeconfig, *words).report["notes"] == []
