"""What blocks one client only, live: told by its policy, or by its labels where no readable policy explains it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import AS_ROOT, HTTPD, NO_PROGRAMS, SLEEPS, without_pods
from .people import grants_up_to, person
from .small_shop import deployment
from .tool import Answer, refused, says, until
from .witness_shop import pod, service

SETTLE_SECONDS = 60.0
BESIDE = "without its labels gets in"


def policy(name: str, selects: dict[str, Any], **directions: Any) -> dict[str, Any]:
    """A NetworkPolicy of these directions (`egress=[…]`)."""
    types = [direction.capitalize() for direction in directions]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": selects, "policyTypes": types, **directions},
    }


def client(name: str, role: str) -> dict[str, Any]:
    """A pod without programs, so that another stands in for it."""
    made = copy.deepcopy(pod(name, NO_PROGRAMS, **AS_ROOT))
    made["metadata"]["labels"] = {"role": role}
    return made


NOT_STRANGERS = {
    "podSelector": {"matchExpressions": [{"key": "role", "operator": "NotIn", "values": ["stranger"]}]}
}
FRIENDS = {"podSelector": {"matchLabels": {"role": "friend"}}}
DNS = {"ports": [{"protocol": "UDP", "port": 53}]}
STRANGER = pod("python", SLEEPS)
STRANGER["metadata"]["labels"] = {"role": "stranger"}
IDLE = without_pods("idle")
IDLE["spec"]["selector"]["matchLabels"] = IDLE["spec"]["template"]["metadata"]["labels"] = {"role": "stranger"}
OBJECTS: list[dict[str, Any]] = [
    policy("all-but-strangers", {"matchLabels": {"app": "web"}}, ingress=[{"from": [NOT_STRANGERS]}]),
    policy("friends-only", {"matchLabels": {"app": "db"}}, ingress=[{"from": [FRIENDS]}]),
    policy("jailed", {"matchLabels": {"role": "jailed"}}, egress=[DNS]),
    deployment("web", HTTPD),
    service("web", {"app": "web"}, 80, 8080),
    deployment("db", HTTPD),
    service("db", {"app": "db"}, 80, 8080),
    client("friend", "friend"),
    client("stranger", "stranger"),
    client("jailed", "jailed"),
    STRANGER,
    IDLE,
]


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """The Services and their clients."""
    name = fresh_namespace(cluster, {"kubectl-refused.test/policy-style": "drop"})
    items = {"apiVersion": "v1", "kind": "List", "items": OBJECTS}
    cluster.apply(json.dumps(items), namespace=name)
    waits = ("--for=condition=Ready", "pod", "--all", "--timeout=60s")
    cluster.kubectl("wait", "-n", name, *waits, timeout=90)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def ask(
    kubeconfig: Path, namespace: str, target: str, client: str, root: str | None, code: int | None = None
) -> Answer:
    """One run, again until the answer is the one awaited: the enforcer takes a moment."""
    return until(
        lambda: refused(kubeconfig, target, "-n", namespace, "--from", client, "-o", "json"),
        says(root, code),
        SETTLE_SECONDS,
    )


def witnessed(answer: Answer) -> list[str]:
    """What the witnesses of the root say, but for objects."""
    return [one["says"] for one in answer.report["root"]["evidence"] if one["kind"] == "witness"]


@pytest.mark.parametrize(
    ("target", "who", "root", "named"),
    [
        ("svc/web", "pod/stranger", "ingress-denied", "all-but-strangers"),
        ("svc/web", "deploy/idle", "ingress-denied", "all-but-strangers"),
        ("svc/web", "pod/jailed", "egress-denied", "jailed"),
    ],
)
def test_the_policy_that_blocks_this_client_is_proved_by_the_pod_beside_it(
    cluster: Cluster, namespace: str, target: str, who: str, root: str, named: str
) -> None:
    answer = ask(cluster.kubeconfig, namespace, target, who, root)
    found = answer.report["root"]
    assert (answer.code, found["name"], found["certainty"]) == (1, root, "proved"), answer
    assert found["where"] == f"networkpolicy/{named}"
    assert f"does not let {who} " in found["headline"]
    (beside,) = witnessed(answer)
    assert beside.startswith(f"a pod beside {who} {BESIDE}: "), beside


def test_an_allow_list_that_has_no_room_for_the_pod_beside_it_either(cluster: Cluster, namespace: str) -> None:
    answer = ask(cluster.kubeconfig, namespace, "svc/db", "pod/stranger", "ingress-denied")
    found = answer.report["root"]
    assert (answer.code, found["name"], found["where"]) == (1, "ingress-denied", "networkpolicy/friends-only")
    assert witnessed(answer) == []
    assert found["certainty"] == "proved"  # by the pod's own sockets


@pytest.mark.parametrize(("target", "who"), [("svc/web", "pod/friend"), ("svc/db", "pod/friend")])
def test_its_healthy_twin_works(cluster: Cluster, namespace: str, target: str, who: str) -> None:
    answer = ask(cluster.kubeconfig, namespace, target, who, None)
    assert (answer.code, answer.root) == (0, None), answer


@pytest.mark.parametrize(
    ("who", "certainty", "code"),
    [("pod/stranger", "proved", 1), ("pod/jailed", "proved", 1), ("pod/python", "likely", 3)],
)
def test_who_may_not_list_policies_is_told_that_the_labels_are_judged(
    cluster: Cluster, namespace: str, tmp_path: Path, who: str, certainty: str, code: int
) -> None:
    grants = [grant for grant in grants_up_to("pods") if grant.resource != "networkpolicies"]
    poor = person(cluster, namespace, grants, tmp_path)
    answer = ask(poor, namespace, "svc/web", who, "client-labels-blocked", code)
    found = answer.report["root"]
    assert (answer.code, found["code"], found["certainty"]) == (code, "KR315", certainty), answer
    assert found["headline"] == f"something blocks {who} by its labels: a pod beside it without them gets in"
    assert found["fix"]["summary"].startswith("Let role="), found
    assert found["fix"]["summary"].endswith(f"the NetworkPolicies of {namespace} could not be read")
    assert len(witnessed(answer)) == 1


def test_who_may_not_list_policies_and_is_let_in_hears_nothing_of_it(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    grants = [grant for grant in grants_up_to("pods") if grant.resource != "networkpolicies"]
    answer = ask(person(cluster, namespace, grants, tmp_path), namespace, "svc/web", "pod/friend", None)
    assert (answer.code, answer.root) == (0, None), answer
