"""What port-forward and the pod's address prove together, and what keeps them from it."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.causes import Cause, catalogue
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import (
    FORWARD,
    HANDSHAKE,
    LISTENERS,
    LOG,
    POLICIES_IN,
    SEARCH,
    ContainerKey,
    Dial,
    NamespaceKey,
    Need,
    PodKey,
    PodPort,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import NetworkPolicy, Pod
from kubectl_refused.model.observation import Handshake, Outcome, Search
from kubectl_refused.trace.localhost import refused_in_both_families
from kubectl_refused.trace.rulings import rule
from tests.case_folders import decoded
from tests.scenery import dialled, endpoint_slice, pod, scene

BOTH = "IPv4: dial tcp4 127.0.0.1:8080: connect: connection refused IPv6 dial tcp6 [::1]:8080: connect: refused"
STARTED = "2026-01-01T00:00:00Z"
LATER = 1767225600.0 + 3600


def forwarded(outcome: Outcome, detail: str = "", name: str = "web-1") -> dict[Need, Any]:
    seen = Handshake("localhost", 8080, outcome, 0.01, "port-forward", detail=detail)
    return {Need(FORWARD, PodPort("shop", name, 8080)): seen}


def searched(*accepted: int, tried: tuple[int, ...] = (80, 3000, 9090)) -> dict[Need, Any]:
    return {Need(SEARCH, PodPort("shop", "web-1", 8080)): Search(tried, accepted)}


def policies(*names: str, app: str = "web") -> dict[Need, Any]:
    found = [
        {"kind": "NetworkPolicy", "metadata": {"name": n, "namespace": "shop"},
         "spec": {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"]}}
        for n in names
    ]  # fmt: skip
    decodeds = tuple(p for p in map(decoded, found) if isinstance(p, NetworkPolicy))
    return {Need(POLICIES_IN, NamespaceKey("shop")): decodeds}


def blind(*pods: Pod) -> dict[Need, Any]:
    """Sockets and logs that cannot be had, and a vantage whose own namespace has no policies."""
    facts: dict[Need, Any] = {}
    for one in pods:
        facts[Need(LISTENERS, PodKey("shop", one.metadata.name))] = Gap("sockets", "no shell")
        facts[Need(LOG, ContainerKey("shop", one.metadata.name, "web"))] = Gap("the log", "forbidden")
    return facts


def told(code: str, facts: dict[Need, Any], *pods: Pod, at: float = LATER) -> list[Certainty]:
    """The certainties with which the cause finds something."""
    (cause,) = (c for c in catalogue() if c.code == code)
    have = pods or (pod(),)
    made = scene(*have, endpoint_slice(*have), facts={**dialled("10.0.0.1", 8080), **blind(*have), **facts}, at=at)
    return [f.finding.certainty for f in rule(made, [cause]).found]


PROOF = forwarded(Outcome.ACCEPTED) | policies()


def test_localhost_that_accepts_proves_loopback_where_no_policy_selects_the_pod() -> None:
    assert told("KR403", PROOF) == [Certainty.PROVED]
    assert told("KR403", forwarded(Outcome.ACCEPTED) | policies("other", app="db")) == [Certainty.PROVED]


@pytest.mark.parametrize(
    ("changes", "made", "at"),
    [
        (policies("deny"), {}, LATER),
        ({Need(POLICIES_IN, NamespaceKey("shop")): Gap("NetworkPolicies", "forbidden")}, {}, LATER),
        ({}, {"spec": {"hostNetwork": True}}, LATER),
        ({}, {}, LATER - 3600 + 2),
    ],
    ids=["a policy selects it", "policies unread", "the node's firewall", "just started"],
)
def test_doubts_make_it_likely(changes: dict[Need, Any], made: dict[str, Any], at: float) -> None:
    assert told("KR403", PROOF | changes, pod(**made), at=at) == [Certainty.LIKELY]


def test_addresses_of_two_families_make_it_likely() -> None:
    dual = decoded({
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web"}]},
        "status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
                   "containerStatuses": [{"name": "web", "ready": True, "state": {"running": {}}}]},
    })  # fmt: skip
    assert isinstance(dual, Pod)
    assert told("KR403", PROOF, dual) == [Certainty.LIKELY]


REFUSED = forwarded(Outcome.REFUSED, BOTH) | policies()
TRIED = {Need(HANDSHAKE, Dial("10.0.0.1", 3000)): Handshake("10.0.0.1", 3000, Outcome.ACCEPTED, 0.01, "pod-proxy")}


def test_a_port_found_and_dialled_proves_the_wrong_one() -> None:
    assert told("KR401", REFUSED | searched(3000) | TRIED) == [Certainty.PROVED]


@pytest.mark.parametrize(
    "changes",
    [policies("deny"), forwarded(Outcome.REFUSED, "socat: connection refused"),
     {Need(HANDSHAKE, Dial("10.0.0.1", 3000)): Gap("a dial", "forbidden")}],
    ids=["a policy selects it", "one family only", "the fix was not dialled"],
)  # fmt: skip
def test_without_one_of_the_witnesses_it_is_likely(changes: dict[Need, Any]) -> None:
    assert told("KR401", REFUSED | searched(3000) | TRIED | changes) == [Certainty.LIKELY]


def test_an_app_on_its_pods_address_only_is_no_fault() -> None:
    """Port-forward is refused there, and the address works: nothing is looked into at all."""
    facts = REFUSED | dialled("10.0.0.1", 8080, Outcome.ACCEPTED)
    assert [told(code, facts) for code in ("KR401", "KR403", "KR408")] == [[], [], []]


def test_where_nothing_accepts_the_app_is_probably_down() -> None:
    assert told("KR408", REFUSED | searched()) == [Certainty.LIKELY]
    assert told("KR401", REFUSED | searched()) == []


def test_a_metrics_port_alone_is_not_the_app() -> None:
    web = pod(container={"ports": [{"containerPort": 9555, "name": "metrics"}]})
    facts = REFUSED | searched(9555)
    assert (told("KR401", facts, web), told("KR408", facts, web)) == ([], [Certainty.LIKELY])


def asked(cause: Cause, *pods: Pod) -> set[str]:
    """Pods for which a search is asked."""
    known: dict[Need, Any] = {}
    for number, one in enumerate(pods, 1):
        known |= dialled(f"10.0.0.{number}", 8080) | forwarded(Outcome.REFUSED, BOTH, one.metadata.name)
    made = scene(*pods, endpoint_slice(*pods), facts={**known, **blind(*pods), **policies()})
    return {o.need.subject.pod for o in rule(made, [cause]).open if o.need.fact is SEARCH}


def test_pods_made_alike_are_searched_once() -> None:
    (cause,) = (c for c in catalogue() if c.code == "KR401")
    twins = [pod(f"web-{n}", ip=f"10.0.0.{n}") for n in (1, 2, 3)]
    assert asked(cause, *twins) == {"web-1"}
    other = pod("web-2", ip="10.0.0.2", container={"image": "web:2"})
    assert asked(cause, twins[0], other) == {"web-1", "web-2"}


@pytest.mark.parametrize(
    ("detail", "both"),
    [(BOTH, True), ("IPv4: dial tcp4 127.0.0.1:1: connect: connection refused", False), ("", False)],
)
def test_both_families(detail: str, both: bool) -> None:
    assert refused_in_both_families(Handshake("localhost", 1, Outcome.REFUSED, 0.1, "x", detail=detail)) is both
