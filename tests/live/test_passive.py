"""What the API server alone can prove of images without any program to exec, with that level's rights only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .bare_image import bare_server, load_bare_image
from .conftest import fresh_namespace
from .people import person_at_level
from .small_shop import ours, policy, ready_services
from .tool import Answer, refused
from .witness_shop import pod, service

READY_SECONDS = 60.0
# A container younger than this may have started to listen between two dials (trace/localhost.py).
GROWN_SECONDS = 6.0
ANNOTATED = {"containerPort": 9090, "name": "metrics"}
WRONG = (bare_server("8080"), bare_server("9090", "metrics", ports=[ANNOTATED]))
LETS_ALL_IN = policy("judged")
LETS_ALL_IN["spec"]["ingress"] = [{}]
OBJECTS: tuple[dict[str, Any], ...] = (
    *(pod("web", bare_server("8080")), service("web", {"app": "web"}, 80, 8080)),
    *(pod("loop", bare_server("127.0.0.1:8080")), service("loop", {"app": "loop"}, 80, 8080)),
    *(pod("wrong", *WRONG), service("wrong", {"app": "wrong"}, 80, 9999)),
    *(pod("both", bare_server("127.0.0.1:3000")), service("both", {"app": "both"}, 80, 9999)),
    *(pod("gone", bare_server("9090", "metrics", ports=[ANNOTATED])), service("gone", {"app": "gone"}, 80, 8080)),
    *(pod("judged", bare_server("127.0.0.1:8080")), service("judged", {"app": "judged"}, 80, 8080)),
    LETS_ALL_IN,
)


@pytest.fixture(scope="module")
def bare_shop(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A namespace of such pods, each of them up for a while."""
    load_bare_image(cluster, tmp_path_factory.mktemp("image"))
    name = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}), namespace=name)
    wanted = {o["metadata"]["name"] for o in OBJECTS if o["kind"] == "Service"}
    deadline = time.monotonic() + READY_SECONDS
    while waiting := wanted - ready_services(cluster, name):
        assert time.monotonic() < deadline, f"not ready: {sorted(waiting)}"
        time.sleep(0.2)
    time.sleep(GROWN_SECONDS)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def someone(cluster: Cluster, bare_shop: str, tmp_path: Path) -> Path:
    """One who may do what level passive needs, and no more."""
    return person_at_level(cluster, bare_shop, "passive", tmp_path)


def ask(kubeconfig: Path, namespace: str, name: str) -> Answer:
    answer = refused(kubeconfig, f"svc/{name}", "-n", namespace, "--probe", "passive", "-o", "json")
    assert answer.err == "", answer
    return answer


def told(answer: Answer) -> str:
    """The root with its evidence, as text."""
    return json.dumps(answer.report["root"])


def touched(answer: Answer) -> list[str]:
    return [thing["what"] for thing in answer.report["touched"]]


def test_an_app_on_loopback_is_proved_without_looking_inside(someone: Path, bare_shop: str) -> None:
    answer = ask(someone, bare_shop, "loop")
    assert (answer.code, answer.root) == (1, "listens-on-loopback"), answer
    assert (answer.report["root"]["certainty"], answer.report["depth"]) == ("proved", "passive")
    assert "no NetworkPolicy selects loop" in told(answer)
    assert answer.report["gaps"] == []
    assert sorted(touched(answer)) == [
        "one GET / through the pod proxy to pod/loop:8080",
        "one GET / through the service proxy to svc/loop:80",
        "port-forward to pod/loop:1, a control",
        "port-forward to pod/loop:8080",
    ]


def test_a_policy_that_selects_the_pod_makes_it_likely_only(someone: Path, bare_shop: str) -> None:
    """Whatever its rules say: the API server's own address is not known, and some enforcers reject."""
    answer = ask(someone, bare_shop, "judged")
    assert (answer.code, answer.root) == (3, "listens-on-loopback"), answer
    assert answer.report["root"]["certainty"] == "likely"
    assert "NetworkPolicy deny-judged may reject" in told(answer)


def test_a_wrong_port_is_proved_and_the_right_one_dialled(someone: Path, bare_shop: str) -> None:
    answer = ask(someone, bare_shop, "wrong")
    assert (answer.code, answer.root) == (1, "wrong-target-port"), answer
    assert answer.report["root"]["certainty"] == "proved"
    assert "it also listens on 9090 (metrics)" in told(answer)
    assert '"targetPort":8080' in answer.report["root"]["fix"]["command"]
    assert any(claim["kind"] == "trial" and claim["worked"] for claim in answer.report["root"]["evidence"])
    assert any("ports were tried by port-forward" in claim["says"] for claim in answer.report["root"]["evidence"])
    searches = [what for what in touched(answer) if "ports of pod/wrong" in what]
    assert len(searches) == 1
    assert len(set(touched(answer))) == len(touched(answer)), "a question was asked twice"


def test_a_wrong_port_and_a_loopback_address_are_told_in_order(someone: Path, bare_shop: str) -> None:
    answer = ask(someone, bare_shop, "both")
    (path,) = answer.report["paths"]
    assert (answer.root, [root["name"] for root in path["chain"]]) == (
        "wrong-target-port",
        ["listens-on-loopback"],
    )
    assert "port 3000" in told(answer)


def test_a_metrics_port_is_not_taken_for_the_app(someone: Path, bare_shop: str) -> None:
    answer = ask(someone, bare_shop, "gone")
    assert (answer.code, answer.root) == (3, "nothing-listens"), answer
    assert answer.report["root"]["certainty"] == "likely"
    assert "9090 (metrics)" in told(answer)
    assert answer.report["root"]["fix"]["command"] is None


def test_a_healthy_app_is_neither_searched_nor_forwarded_to(someone: Path, bare_shop: str) -> None:
    answer = ask(someone, bare_shop, "web")
    assert (answer.code, answer.report["outcome"]) == (0, "accepted"), answer
    assert all(what.startswith("one GET / through") for what in touched(answer))


def test_nothing_was_created_for_all_that(cluster: Cluster, bare_shop: str) -> None:
    assert ours(cluster, bare_shop) == []
