"""Policies of other kinds: one request where there are none, each kind that is there listed once."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.model.facts import OTHER_POLICIES, NamespaceKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import OtherPolicies, SeenPolicy
from kubectl_refused.probes.policy_reads import PolicyReads
from tests.fakes import FakeConnection, ask, forbidden, probe_context

SHOP = NamespaceKey("shop")
CILIUM = "/apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies"
CLUSTERWIDE = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"


def groups(**served: list[str]) -> dict[str, Any]:
    listed = [{"name": name, "versions": [{"version": v} for v in versions]} for name, versions in served.items()]
    return {"kind": "APIGroupList", "groups": listed}


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def read(answers: dict[str, Any]) -> tuple[Any, list[str]]:
    fake = FakeConnection(answers)
    (found,) = ask(PolicyReads(), probe_context(fake), OTHER_POLICIES, SHOP)
    return found, fake.asked


def test_a_cluster_without_such_kinds_costs_one_request() -> None:
    found, asked = read({"/apis": groups(apps=["v1"])})
    assert found == OtherPolicies()
    assert asked == ["GET /apis"]


def test_each_kind_is_listed_where_it_holds() -> None:
    answers = {
        "/apis": groups(**{"cilium.io": ["v2", "v2alpha1"]}),
        CILIUM: [named("a"), named("b")],
        CLUSTERWIDE: [named("all")],
    }
    found, _ = read(answers)
    assert found.seen == (
        SeenPolicy("CiliumNetworkPolicy", "a", "shop"),
        SeenPolicy("CiliumNetworkPolicy", "b", "shop"),
        SeenPolicy("CiliumClusterwideNetworkPolicy", "all"),
    )


def test_what_may_not_be_listed_is_a_gap_beside_what_was_seen() -> None:
    denied = forbidden("list", "ciliumclusterwidenetworkpolicies.cilium.io")
    found, _ = read({"/apis": groups(**{"cilium.io": ["v2"]}), CILIUM: [named("a")], CLUSTERWIDE: denied})
    assert [one.name for one in found.seen] == ["a"]
    assert ["forbidden" in gap.because for gap in found.unread] == [True]


@pytest.mark.parametrize("odd", ["nonsense", {"groups": 7}])
def test_a_group_list_that_does_not_read_is_a_gap(odd: Any) -> None:
    found, _ = read({"/apis": odd})
    assert isinstance(found, Gap)


def test_calicos_own_store_is_not_read_beside_its_api_server() -> None:
    both = groups(**{"projectcalico.org": ["v3"], "crd.projectcalico.org": ["v1"]})
    answers = {
        "/apis": both,
        "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies": [named("default.web")],
        "/apis/projectcalico.org/v3/globalnetworkpolicies": [],
    }
    found, asked = read(answers)
    assert [one.kind for one in found.seen] == ["Calico NetworkPolicy"]
    assert not any("crd." in one for one in asked)
