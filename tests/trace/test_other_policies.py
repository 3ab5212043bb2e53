"""Policies that nobody evaluates: asked for once a dial failed, told with what they are."""

from __future__ import annotations

from typing import Any

from kubectl_refused.model.facts import OTHER_POLICIES, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import OtherPolicies, Outcome, SeenPolicy
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.other_policies import asked_for, not_evaluated
from tests.scenery import CLUSTER_IP, dialled, endpoint_slice, pod, scene, service

SHOP = Need(OTHER_POLICIES, NamespaceKey("shop"))


def at(outcome: Outcome, told: Any = None) -> Scene:
    facts: dict[Need, Any] = {**dialled(CLUSTER_IP, 80, outcome)}
    if told is not None:
        facts[SHOP] = told
    return scene(service(), endpoint_slice(pod()), pod(), facts=facts)


def test_only_a_dial_that_failed_asks() -> None:
    assert list(asked_for(at(Outcome.ACCEPTED))) == []
    assert list(asked_for(at(Outcome.TIMEOUT))) == [SHOP]


def test_kinds_are_told_once_with_a_few_names() -> None:
    seen = [SeenPolicy("CiliumNetworkPolicy", f"p{n}", "shop") for n in range(5)]
    told = OtherPolicies((*seen, SeenPolicy("AdminNetworkPolicy", "all")))
    first, second = not_evaluated(at(Outcome.TIMEOUT, told), proved=True)
    assert first.what == "CiliumNetworkPolicy p0, p1, p2 and 2 more"
    assert "in namespace shop and not evaluated" in first.because
    assert "for the whole cluster" in second.because


def test_nothing_is_told_where_nothing_failed() -> None:
    told = OtherPolicies((SeenPolicy("CiliumNetworkPolicy", "a", "shop"),))
    assert list(not_evaluated(at(Outcome.ACCEPTED, told), proved=False)) == []


def test_what_could_not_be_looked_for_matters_while_nothing_is_proved() -> None:
    gap = Gap("CiliumNetworkPolicy objects", "forbidden")
    for told in (gap, OtherPolicies(unread=(gap,))):
        assert list(not_evaluated(at(Outcome.TIMEOUT, told), proved=False)) == [gap]
        assert list(not_evaluated(at(Outcome.TIMEOUT, told), proved=True)) == []
