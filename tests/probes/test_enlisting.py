"""What would count or use a pod because of its labels."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import Forbidden
from kubectl_refused.probes.enlisting import OLD_PUBLISH, enlisted_by, selects
from tests.fakes import FakeConnection, as_connection, forbidden

LABELS = {"app": "web", "tier": "front"}
SERVICES = "/api/v1/namespaces/shop/services"
BUDGETS = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
SCALERS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
WEB = {"matchLabels": {"app": "web"}}


def named(name: str, spec: dict[str, Any], **notes: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": notes}, "spec": spec}


def by(**answers: Any) -> str:
    known = {SERVICES: [], BUDGETS: [], SCALERS: []} | answers.pop("more", {})
    places = {"services": SERVICES, "budgets": BUDGETS, "scalers": SCALERS}
    known |= {places[name]: value for name, value in answers.items()}
    return enlisted_by(as_connection(FakeConnection(known)), "shop", LABELS)


def scaler(kind: str = "Deployment") -> dict[str, Any]:
    return named("web", {"scaleTargetRef": {"kind": kind, "name": "web", "apiVersion": "apps/v1"}})


def test_an_ordinary_service_uses_no_pod_that_is_never_ready() -> None:
    assert by(services=[named("web", {"selector": {"app": "web"}})]) == ""


@pytest.mark.parametrize(
    "service",
    [
        named("web", {"selector": {"app": "web"}, "publishNotReadyAddresses": True}),
        named("web", {"selector": {"app": "web"}}, **{OLD_PUBLISH: "true"}),
    ],
)
def test_a_service_that_publishes_unready_pods_would(service: dict[str, Any]) -> None:
    assert by(services=[service]).startswith("Service web would send it traffic")


def test_one_without_a_selector_selects_nothing() -> None:
    assert by(services=[named("web", {"publishNotReadyAddresses": True})]) == ""


def test_a_disruption_budget_counts_it() -> None:
    assert by(budgets=[named("web", {"selector": WEB})]) == "PodDisruptionBudget web would count it"
    assert by(budgets=[named("all", {"selector": {}})]) == "PodDisruptionBudget all would count it"
    assert by(budgets=[named("none", {})]) == ""


def test_an_autoscaler_counts_what_its_target_selects() -> None:
    target = "/apis/apps/v1/namespaces/shop/deployments/web"
    assert "HorizontalPodAutoscaler web" in by(scalers=[scaler()], more={target: {"spec": {"selector": WEB}}})
    other = {"spec": {"selector": {"matchLabels": {"app": "cart"}}}}
    assert by(scalers=[scaler()], more={target: other}) == ""


def test_an_autoscaler_of_nothing_counts_nothing_and_an_unreadable_target_may_be_us() -> None:
    target = "/apis/apps/v1/namespaces/shop/deployments/web"
    assert by(scalers=[scaler()]) == ""
    assert "would count it" in by(scalers=[scaler("Rollout")])
    assert "would count it" in by(scalers=[scaler()], more={target: forbidden("get", "deployments.apps")})


def test_what_may_not_be_read_is_told_to_the_caller() -> None:
    with pytest.raises(Forbidden):
        by(budgets=forbidden("list", "poddisruptionbudgets.policy"))


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "x"]}, True),
        ({"key": "app", "operator": "In", "values": ["x"]}, False),
        ({"key": "app", "operator": "NotIn", "values": ["x"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["x"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "zone", "operator": "Exists"}, False),
        ({"key": "zone", "operator": "DoesNotExist"}, True),
        ({"key": "zone", "operator": "In", "values": []}, False),
    ],
)
def test_expressions_of_a_selector(rule: dict[str, Any], holds: bool) -> None:
    assert selects({"matchExpressions": [rule]}, LABELS) is holds
