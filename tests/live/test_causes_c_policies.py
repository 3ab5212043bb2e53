"""Rules that nearly let a client of another namespace in, live: which, what differs, and the fix as printed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, SLEEPS
from .small_shop import deployment
from .tool import Answer, refused, says, until
from .witness_shop import pod, service

SETTLE_SECONDS = 60.0
NAMES = ("alone", "both", "label", "open")


def policy(name: str, peer: dict[str, Any]) -> dict[str, Any]:
    """Lets that peer in to the pods of the same name."""
    spec = {"podSelector": {"matchLabels": {"app": name}}, "ingress": [{"from": [peer]}]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def labels(**pairs: str) -> dict[str, Any]:
    """A selector."""
    return {"matchLabels": pairs}


@pytest.fixture(scope="module")
def spaces(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """(namespace of the Services, namespace of the client)."""
    shop = fresh_namespace(cluster, {"kubectl-refused.test/policy-style": "drop"})
    far = fresh_namespace(cluster)
    by_name = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": far}}}
    peers = {
        "alone": {"podSelector": labels(role="friend")},
        "both": {**by_name, "podSelector": labels(role="boss")},
        "label": {"namespaceSelector": labels(name=far)},
        "open": {**by_name, "podSelector": labels(role="friend")},
    }
    objects = [policy(name, peer) for name, peer in peers.items()]
    for name in NAMES:
        objects += [deployment(name, HTTPD), service(name, {"app": name}, 80, 8080)]
    friend = pod("friend", SLEEPS)
    friend["metadata"]["labels"] = {"role": "friend"}
    for namespace, items in ((shop, objects), (far, [friend])):
        cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    for namespace in (shop, far):
        waits = ("--for=condition=Ready", "pod", "--all", "--timeout=90s")
        cluster.kubectl("wait", "-n", namespace, *waits, timeout=120)
    yield shop, far
    for namespace in (shop, far):
        cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def ask(cluster: Cluster, spaces: tuple[str, str], name: str, root: str | None) -> Answer:
    """Ask from the friend of the other namespace until the root is the one awaited."""
    shop, far = spaces
    words = (f"svc/{name}", "-n", shop, "--from", "pod/friend", "--from-namespace", far, "-o", "json")
    return until(
        lambda: refused(cluster.kubeconfig, *words),
        says(root),
        SETTLE_SECONDS,
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("alone", "a podSelector alone means pods of"),
        ("both", "stand in one peer, so both must hold"),
        ("label", "does not carry that"),
    ],
)
def test_the_rule_that_nearly_lets_the_client_in_is_named_and_mended(
    cluster: Cluster, spaces: tuple[str, str], name: str, says: str
) -> None:
    answer = ask(cluster, spaces, name, "policy-nearly-allows")
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (1, "policy-nearly-allows", "proved"), answer
    assert root["where"] == f"networkpolicy/{name}"
    assert says in root["headline"], root["headline"]
    program, *words = shlex.split(root["fix"]["command"])
    assert program == "kubectl"
    cluster.kubectl(*words)
    mended = ask(cluster, spaces, name, None)
    assert (mended.code, mended.root) == (0, None), mended


def test_the_healthy_twin_works(cluster: Cluster, spaces: tuple[str, str]) -> None:
    answer = ask(cluster, spaces, "open", None)
    assert (answer.code, answer.root) == (0, None), answer
