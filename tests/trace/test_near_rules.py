"""Which rules are near misses, and which deny somebody on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.objects import NetworkPolicy
from kubectl_refused.trace.denials import Denial
from kubectl_refused.trace.near_rules import NearRule, nearest_rule, nearest_selector
from kubectl_refused.trace.policies import Party
from tests.case_folders import decoded
from tests.scenery import pod

CLIENT = {"role": "friend"}
FAR = {"kubernetes.io/metadata.name": "far", "team": "blue"}


def near(rule: dict[str, Any], *, own_labels: bool = True, namespace: str = "far") -> NearRule | None:
    """What comes near of one ingress rule of shop, for a client of `far`; port 8080 is named `web` in the pod."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [rule]}
    policy = decoded({"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
    assert isinstance(policy, NetworkPolicy)
    peer = Party(namespace, CLIENT, FAR | {"kubernetes.io/metadata.name": namespace}, "10.0.0.9")
    receiver = pod(container={"ports": [{"name": "web", "containerPort": 8080}]})
    denial = Denial("Ingress", (policy,), peer, receiver, 8080, Certainty.PROVED, ())
    return nearest_rule(denial, own_labels=own_labels, elsewhere=[("10.9.0.1", "an address of node1")])


def labels(**pairs: str) -> dict[str, Any]:
    return {"matchLabels": pairs}


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"ports": [{"port": "http"}]}, "spec.ingress[0].ports[0].port"),
        ({"ports": [{"port": 8080, "protocol": "UDP"}]}, "spec.ingress[0].ports[0].protocol"),
        ({"from": [{"podSelector": labels(role="friend")}]}, "spec.ingress[0].from[0].namespaceSelector"),
        ({"from": [{"namespaceSelector": labels(name="far")}]}, "spec.ingress[0].from[0].namespaceSelector"),
        (
            {"from": [{"namespaceSelector": labels(team="blue"), "podSelector": labels(role="boss")}]},
            "spec.ingress[0].from[-]",
        ),
        (
            {"from": [{"namespaceSelector": {}, "podSelector": labels(role="freind")}]},
            "spec.ingress[0].from[0].podSelector.matchLabels",
        ),
        (
            {"from": [{"namespaceSelector": {}, "podSelector": labels(kind="friend")}]},
            "spec.ingress[0].from[0].podSelector.matchLabels",
        ),
        ({"from": [{"ipBlock": {"cidr": "10.9.0.0/24"}}]}, "spec.ingress[0].from[0]"),
        ({"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/24"]}}]}, "spec.ingress[0].from[0]"),
    ],
)
def test_a_slip_is_found_at_its_place(rule: dict[str, Any], place: str) -> None:
    found = near(rule)
    assert found is not None
    assert found.place == place


@pytest.mark.parametrize(
    "rule",
    [
        {"ports": [{"port": 9090}]},
        {"ports": [{"port": 53, "protocol": "UDP"}]},
        {"from": [{"podSelector": {}}]},
        {"from": [{"podSelector": labels(role="monitor")}]},
        {"from": [{"namespaceSelector": labels(name="billing")}]},
        {"from": [{"namespaceSelector": labels(team="red")}]},
        {"from": [{"namespaceSelector": {}, "podSelector": labels(app="cart")}]},
        {"from": [{"ipBlock": {"cidr": "192.168.0.0/16"}}]},
        {"from": [{"podSelector": labels(role="friend")}], "ports": [{"port": 9090}]},
    ],
)
def test_a_rule_for_somebody_else_is_no_near_miss(rule: dict[str, Any]) -> None:
    assert near(rule) is None


def test_labels_of_a_plain_probe_are_compared_with_nothing() -> None:
    assert near({"from": [{"podSelector": labels(role="freind")}]}, own_labels=False, namespace="shop") is None


def test_the_nearest_port_name_is_a_difference() -> None:
    found = near({"ports": [{"port": "wbe"}]})
    assert found is not None
    assert found.differs == {"port": ("wbe", "web")}
    far_off = near({"ports": [{"port": "metrics"}]})
    assert far_off is not None
    assert far_off.differs == {}


def beside(selector: dict[str, Any], rule: dict[str, Any], namespace: str = "shop") -> NearRule | None:
    """What comes near of a policy that does not select the pod `app=web`, which a default-deny closes."""
    closing, other = (
        decoded(
            {
                "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": where},
                "spec": {"podSelector": chosen, "policyTypes": ["Ingress"], "ingress": rules},
            }
        )
        for name, where, chosen, rules in (("deny", "shop", {}, []), ("allow", namespace, selector, [rule]))
    )
    assert isinstance(closing, NetworkPolicy)
    assert isinstance(other, NetworkPolicy)
    receiver = pod()
    peer = Party("shop", CLIENT, {}, "10.0.0.9")
    denial = Denial("Ingress", (closing,), peer, receiver, 8080, Certainty.PROVED, ())
    return nearest_selector(denial, [closing, other], {"app": "web"}, "pod/web-1")


def test_a_policy_that_was_to_select_the_pod() -> None:
    found = beside(labels(app="wbe"), {})
    assert found is not None
    assert (found.place, found.value, found.differs) == (
        "spec.podSelector.matchLabels",
        {"app": "web"},
        {"app": ("wbe", "web")},
    )
    assert found.says == "its podSelector nearly selects pod/web-1: app is web, not wbe"


@pytest.mark.parametrize(
    ("selector", "rule", "namespace"),
    [
        (labels(app="cart"), {}, "shop"),
        (labels(app="wbe"), {"ports": [{"port": 9090}]}, "shop"),
        (labels(app="wbe"), {}, "far"),
        ({}, {}, "shop"),
    ],
)
def test_a_policy_of_other_pods_is_no_near_miss(
    selector: dict[str, Any], rule: dict[str, Any], namespace: str
) -> None:
    assert beside(selector, rule, namespace) is None


def test_a_rule_for_the_other_protocol_is_near_whichever_is_dialled() -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53}]}]}
    policy = decoded({"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
    assert isinstance(policy, NetworkPolicy)
    server = Party(
        "kube-system", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}, "10.0.0.9"
    )
    denial = Denial("Egress", (policy,), server, pod(), 53, Certainty.PROVED, (), protocol="UDP")
    found = nearest_rule(denial, own_labels=True)
    assert found is not None
    assert (found.place, found.value, found.verb) == ("spec.egress[0].ports[0].protocol", "UDP", "add")
    assert found.says == "port 53 is allowed for TCP; the dial is UDP"
