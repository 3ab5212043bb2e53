"""Who sent an ICMP error: by name where the objects tell, by address where nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.judge.tellings import rejecter, signal_of
from kubectl_refused.model.facts import HANDSHAKE, HOLDER, POLICIES_IN, AddressKey, Dial, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import (
    KubernetesObject,
    LabelSelector,
    Metadata,
    NetworkPolicy,
    NetworkPolicySpec,
)
from kubectl_refused.model.observation import Handshake, Holder, Icmp, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.offenders import hops_away, offender_told, rst_told, unnamed_offenders
from kubectl_refused.trace.questions import questions
from tests.scenery import CLUSTER_IP, dialled, endpoint_slice, pod, scene

PORT, HOST, PROHIBITED = 3, 1, 13
OWN = "10.0.0.200"  # the vantage's address in tests/scenery.py; it stands on node1


def rejected(
    at: str, offender: str, code: int = PORT, *objects: KubernetesObject, holder: Any = None, **more: Any
) -> tuple[Handshake, Scene]:
    """A dial that an ICMP error ended, and its scene; `holder` is the fact HOLDER of the offender."""
    port = 80 if at == CLUSTER_IP else 8080
    icmp = Icmp(3, code, offender)
    facts: dict[Need, Any] = {**dialled(at, port, Outcome.REJECTED, icmp=icmp)}
    if holder is not None:
        facts[Need(HOLDER, AddressKey(offender))] = holder
    view = scene(*objects, facts={**facts, **more.get("facts", {})})
    return view.facts.need(HANDSHAKE, Dial(at, port)), view


def healthy() -> tuple[KubernetesObject, ...]:
    mine = pod()
    return mine, endpoint_slice(mine)


def policy(name: str) -> NetworkPolicy:
    """Closes every pod of the shop for ingress."""
    spec = NetworkPolicySpec(pod_selector=LabelSelector(), policy_types=("Ingress",))
    return NetworkPolicy(metadata=Metadata(name=name, namespace="shop"), spec=spec)


NODE2 = Holder("Node", "", "node2")


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (rejected(CLUSTER_IP, "10.2.1.1"), "the service proxy of node1 (10.2.1.1)"),
        (
            rejected(CLUSTER_IP, "10.2.1.1", PORT, *healthy(), holder=Holder("Node", "", "node1")),
            "node1, by its service proxy or a policy (10.2.1.1)",
        ),
        (rejected("10.0.0.1", "10.0.0.1", PORT, *healthy()), "pod/web-1 (10.0.0.1)"),
        (rejected("10.0.0.1", "10.2.2.1", HOST, *healthy(), holder=NODE2), "node2 (10.2.2.1)"),
        (rejected("10.0.0.1", "10.2.2.1", PORT, *healthy(), holder=NODE2), "node2 (10.2.2.1)"),
        (
            rejected("10.0.0.1", "10.2.2.1", PROHIBITED, *healthy(), holder=NODE2),
            "node2, by a firewall or policy (10.2.2.1)",
        ),
        (
            rejected("10.0.0.1", OWN, PORT, *healthy()),
            f"the client itself, by rules of its own network ({OWN})",
        ),
        (
            rejected("10.0.0.1", "203.0.113.1", PROHIBITED, *healthy(), holder=Holder()),
            "a host outside of the cluster (203.0.113.1)",
        ),
        (
            rejected("10.0.0.1", "10.0.0.9", PORT, *healthy(), holder=Holder("Pod", "shop", "router")),
            "pod/router (10.0.0.9)",
        ),
        (
            rejected("10.0.0.1", "10.0.0.9", PORT, *healthy(), holder=Holder("Pod", "mesh", "gateway")),
            "pod/gateway of namespace mesh (10.0.0.9)",
        ),
        (rejected("10.0.0.1", "10.2.2.1", PORT, *healthy(), holder=Gap("whose", "forbidden")), "10.2.2.1"),
        (rejected("10.0.0.1", "10.2.2.1", PORT, *healthy()), "10.2.2.1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_offender_has_a_name(case: tuple[Handshake, Scene], told: str) -> None:
    assert offender_told(*case) == told
    assert signal_of(*case).endswith(f" from {told}")


@pytest.mark.parametrize("code", [PORT, PROHIBITED, 9, 10])
def test_a_policy_that_closes_the_pod_is_named_as_likely(code: int) -> None:
    known = {Need(POLICIES_IN, NamespaceKey("shop")): (policy("deny-all"),)}
    case = rejected("10.0.0.1", "10.2.2.1", code, *healthy(), holder=NODE2, facts=known)
    assert offender_told(*case) == "node2, likely by NetworkPolicy deny-all (10.2.2.1)"


def test_a_host_that_is_gone_is_no_policys_doing() -> None:
    known = {Need(POLICIES_IN, NamespaceKey("shop")): (policy("deny-all"),)}
    case = rejected("10.0.0.1", "10.2.2.1", HOST, *healthy(), holder=NODE2, facts=known)
    assert offender_told(*case) == "node2 (10.2.2.1)"
    assert signal_of(*case) == "ICMP host unreachable from node2 (10.2.2.1)"


def test_an_error_from_behind_a_translated_address_is_told_by_the_endpoints_dial() -> None:
    """Errors of what kube-proxy sent on come back with the ClusterIP as their sender."""
    node = {Need(HOLDER, AddressKey("10.2.2.1")): NODE2}
    behind = dialled("10.0.0.1", 8080, Outcome.REJECTED, icmp=Icmp(3, PORT, "10.2.2.1"))
    case = rejected(CLUSTER_IP, CLUSTER_IP, PORT, *healthy(), facts={**node, **behind})
    assert offender_told(*case) == f"node2 (10.2.2.1) behind svc/web ({CLUSTER_IP})"
    alone = rejected(CLUSTER_IP, CLUSTER_IP, PORT, *healthy())
    assert offender_told(*alone) == f"a host behind svc/web ({CLUSTER_IP})"
    assert list(unnamed_offenders(alone[1])) == []


@pytest.mark.parametrize(("code", "says"), [(1, "by a firewall or policy"), (5, "by a firewall"), (6, "firewall")])
def test_version_six_has_codes_of_its_own(code: int, says: str) -> None:
    case = rejected("10.0.0.1", "fd00::1", code, *healthy(), holder=NODE2)
    assert says in offender_told(*case)


@pytest.mark.parametrize(
    "case",
    [
        rejected(CLUSTER_IP, "10.2.1.1"),
        rejected("10.0.0.1", "10.0.0.1", PORT, *healthy()),
        rejected("10.0.0.1", OWN, PORT, *healthy()),
    ],
    ids=["entrance", "endpoint", "client"],
)
def test_nothing_is_asked_where_the_scene_names_the_offender(case: tuple[Handshake, Scene]) -> None:
    assert list(unnamed_offenders(case[1])) == []


def test_whose_an_unknown_offender_is_gets_asked_once_it_is_seen() -> None:
    asked = Need(HOLDER, AddressKey("10.2.2.1"))
    assert asked in questions(rejected("10.0.0.1", "10.2.2.1", PORT, *healthy())[1])
    assert not [need for need in questions(scene(*healthy())) if need.fact is HOLDER]


@pytest.mark.parametrize(
    ("ttl", "hops", "hint"),
    [
        (64, 0, ", no router away"),
        (63, 1, ", 1 router away"),
        (254, 1, ", 1 router away"),
        (126, 2, ", 2 routers away"),
        (None, None, ""),
        (0, None, ""),
    ],
)
def test_the_distance_is_a_hint_beside_the_name(ttl: int | None, hops: int | None, hint: str) -> None:
    icmp = Icmp(3, PORT, "10.2.2.1", ttl)
    assert hops_away(icmp.ttl) == hops
    seen = Handshake("10.0.0.1", 8080, Outcome.REJECTED, 0.1, "probe-pod", icmp=icmp)
    assert rejecter(seen, scene(*healthy())) == f"10.2.2.1{hint}"
    assert "router" not in signal_of(seen, scene(*healthy()))


def test_without_an_icmp_error_nobody_rejected() -> None:
    seen = Handshake("10.0.0.1", 8080, Outcome.REFUSED, 0.1, "probe-pod")
    assert rejecter(seen, scene(*healthy())) == ""


@pytest.mark.parametrize(
    ("ttl", "node", "told"),
    [(64, "node2", True), (63, "node2", False), (64, "node1", False), (None, "node2", False), (64, "", False)],
)
def test_an_rst_that_met_no_router_is_not_of_a_pod_on_another_node(ttl: int | None, node: str, told: bool) -> None:
    there = pod(spec={"nodeName": node or None})
    seen = Handshake("10.0.0.1", 8080, Outcome.REFUSED, 0.0002, "probe-pod", rst_ttl=ttl)
    assert ("node1 itself sent it" in rst_told(seen, scene(there), there)) is told
