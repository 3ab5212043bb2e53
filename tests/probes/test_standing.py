"""From --from to clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubectl_refused.errors import UsageProblem
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.standing import clients_of, unenlisted
from kubectl_refused.resolve.standpoints import parse_standpoints
from tests.fakes import FakeConnection, as_connection, forbidden

PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/cart"
LABELS = {"app": "cart", "job-name": "x", "batch.kubernetes.io/controller-uid": "y"}


OWNER = {"kind": "ReplicaSet", "name": "cart-5b6f", "controller": True}


def pod(
    name: str, *, phase: str = "Running", ready: bool = True, owner: Mapping[str, Any] = OWNER, **spec: Any
) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": LABELS,
            "ownerReferences": [owner] if owner else None,
        },
        "spec": {"nodeName": "node2", **spec},
        "status": {"phase": phase, "conditions": conditions},
    }


def node(name: str, taints: list[dict[str, str]] | None = None, *, ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "spec": {"taints": taints or []},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}]},
    }


def clients(words: str, answers: Mapping[str, Any], **how: Any) -> tuple[Client, ...]:
    points = parse_standpoints([words]) if words else ()
    return clients_of(as_connection(FakeConnection(answers)), points, target_namespace="shop", **how)


def test_without_from_it_is_one_plain_client() -> None:
    assert clients("", {}) == (Client(namespace="shop"),)


def test_a_pod_has_its_stand_in_and_the_control_beside_it() -> None:
    client, control = clients(
        "pod/cart-1", {f"{PODS}/cart-1": pod("cart-1", dnsPolicy="None", dnsConfig={"a": 1})}
    )
    assert (client.standing, client.node, client.name) == ("pod", "node2", "pod/cart-1")
    # What batch/v1 would refuse in the template of another Job is not carried.
    assert client.labels == (("app", "cart"),)
    assert client.manner == {"dnsPolicy": "None", "dnsConfig": {"a": 1}}
    assert client.pod is not None
    assert (client.control, control.standing, control.labels, control.node) == (
        control.key,
        "control",
        (),
        "node2",
    )


def test_a_pod_that_does_not_run_can_only_be_stood_in_for() -> None:
    client, _ = clients("pod/cart-1", {f"{PODS}/cart-1": pod("cart-1", phase="Pending")})
    assert client.pod is None


def test_no_control_where_labels_do_not_count() -> None:
    assert len(clients("pod/cart-1", {f"{PODS}/cart-1": pod("cart-1", hostNetwork=True)})) == 1


def test_of_a_workload_the_best_pod_is_taken() -> None:
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {}}
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "template": template}
    found = [pod("cart-1", phase="Pending"), pod("cart-2", ready=False), pod("cart-4"), pod("cart-3")]
    client, _ = clients("deploy/cart", {DEPLOYMENT: {"spec": spec}, PODS: found})
    assert client.name == "pod/cart-3"


@pytest.mark.parametrize(
    "owner",
    [
        {},
        OWNER | {"controller": False},
        OWNER | {"name": "cart-canary-77"},
        OWNER | {"kind": "Job", "name": "cart"},
    ],
)
def test_a_pod_that_only_carries_its_labels_is_not_the_workloads(owner: dict[str, Any]) -> None:
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {}}
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "template": template}
    client, _ = clients("deploy/cart", {DEPLOYMENT: {"spec": spec}, PODS: [pod("cart-3", owner=owner)]})
    assert (client.name, client.pod) == ("deploy/cart", None)


def test_the_control_knows_the_pod_whose_image_its_node_has() -> None:
    client, control = clients("pod/cart-1", {f"{PODS}/cart-1": pod("cart-1")})
    assert control.pod is client.pod is not None


def test_a_workload_without_pods_lends_its_template() -> None:
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"dnsPolicy": "Default"}}
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "template": template}
    client, _ = clients("deploy/cart", {DEPLOYMENT: {"spec": spec}, PODS: []})
    assert (client.name, client.node, client.labels) == ("deploy/cart", "", (("app", "cart"),))
    assert client.manner == {"dnsPolicy": "Default"}


def test_every_node_that_is_ready_tainted_ones_too() -> None:
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    found = clients("every-node", {"/api/v1/nodes": [node("a"), node("b", [taint]), node("c", ready=False)]})
    assert [(c.key, c.node, dict(c.manner)) for c in found] == [
        ("node/a", "a", {}),
        ("node/b", "b", {"tolerations": [{"key": taint["key"], "operator": "Exists", "effect": "NoSchedule"}]}),
    ]


def test_a_nodes_own_network() -> None:
    (client,) = clients("node/a", {"/api/v1/nodes/a": node("a")}, host_network=True)
    assert client.host_network
    assert client.manner == {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}


def test_a_node_that_may_not_be_read_can_still_be_stood_on() -> None:
    (client,) = clients("node/a", {"/api/v1/nodes/a": forbidden("get", "nodes", "")})
    assert (client.node, dict(client.manner)) == ("a", {})


def test_this_machine_needs_no_request() -> None:
    (client,) = clients("here", {})
    assert (client.key, client.standing) == ("here", "here")


@pytest.mark.parametrize("word", ["pod/nobody", "deploy/nobody", "node/nobody"])
def test_what_is_not_there_is_a_typing_error(word: str) -> None:
    with pytest.raises(UsageProblem, match="there is no such"):
        clients(word, {})


def test_a_pod_that_may_not_be_read_leaves_a_plain_one_and_says_so() -> None:
    (client,) = clients("pod/cart-1", {f"{PODS}/cart-1": forbidden("get", "pods")})
    assert (client.standing, client.labels) == ("anywhere", ())
    assert "a plain pod stands in for pod/cart-1" in client.unlike


def test_labels_are_left_away_where_something_would_count_the_stand_in() -> None:
    client = Client(namespace="shop", labels=(("app", "cart"),), standing="pod")
    base = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
    answers = {
        "/api/v1/namespaces/shop/services": [],
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers": [],
        base: [{"metadata": {"name": "cart"}, "spec": {"selector": {"matchLabels": {"app": "cart"}}}}],
    }
    bare = unenlisted(as_connection(FakeConnection(answers)), client)
    assert (bare.labels, bare.unlike) == ((), "without its labels: PodDisruptionBudget cart would count it")
    free = unenlisted(as_connection(FakeConnection({**answers, base: []})), client)
    assert free == client
    unknown = unenlisted(as_connection(FakeConnection({**answers, base: forbidden("list", "x")})), client)
    assert unknown.labels == ()
    assert "it cannot be known" in unknown.unlike


@pytest.mark.parametrize(
    ("words", "path", "meant"),
    [
        ("pod/crat-1", PODS, "did you mean pod/cart-1?"),
        ("deploy/cart-l", "/apis/apps/v1/namespaces/shop/deployments", "did you mean deploy/cart-1?"),
        ("node/cart-2", "/api/v1/nodes", "did you mean node/cart-1?"),
        ("pod/zzz", PODS, "name its namespace with --from-namespace"),
        ("pod/crat-1", "/elsewhere", "name its namespace with --from-namespace"),
    ],
)
def test_who_is_not_there_was_meant_to_be_the_nearest(words: str, path: str, meant: str) -> None:
    answers = {path: [{"metadata": {"name": name}} for name in ("db-0", "cart-1")]}
    with pytest.raises(UsageProblem) as caught:
        clients(words, answers)
    assert caught.value.message.endswith(f"; {meant}")
