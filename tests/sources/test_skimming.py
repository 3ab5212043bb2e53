"""Pods of some Services: few queries, and all the pods that they select."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import EndpointSlice, Metadata, Pod, Service, ServiceSpec
from kubectl_refused.model.snapshot import Coverage
from kubectl_refused.sources.scan import ScanSource
from kubectl_refused.sources.skimming import MOST_QUERIES, SkimSource, queries
from tests.fakes import FakeConnection, as_connection, forbidden

WORDS = st.text("ab1-./_", min_size=1, max_size=5)
SELECTORS = st.lists(st.dictionaries(WORDS, st.text("ab1-._", max_size=5), min_size=1, max_size=3), max_size=20)


@pytest.mark.parametrize(
    ("selectors", "asked"),
    [
        ([], []),
        ([{"app": "web"}], ["app=web"]),
        ([{"app": "web"}, {"app": "web"}, {"app": "api"}], ["app in (web,api)"]),
        ([{"app": "web"}, {"tier": "db"}], ["app=web", "tier=db"]),
        ([{"tier": "db", "app": "web"}], ["app=web,tier=db"]),
        ([{"app": ""}, {"app": "web"}], ["app=web", "app="]),
        ([{"a": "1", "b": str(n)} for n in range(9)], [""]),
    ],
)
def test_queries(selectors: list[dict[str, str]], asked: list[str]) -> None:
    assert queries(selectors) == asked


def test_many_values_are_parted() -> None:
    many = [{"app": f"web-{number}"} for number in range(120)]
    first, *_, last = queries(many)
    assert (first.count(","), last.count(",")) == (49, 19)


@given(SELECTORS)
def test_every_selector_is_in_some_query(selectors: list[dict[str, str]]) -> None:
    asked = queries(selectors)
    assert len(asked) <= MOST_QUERIES
    for labels in selectors:
        assert any(_selects(query, labels) for query in asked)


def _selects(query: str, labels: dict[str, str]) -> bool:
    """Whether pods with just these labels are among what the query gives."""
    if " in (" in query:
        key, _, values = query.partition(" in (")
        return labels.get(key) in values.removesuffix(")").split(",")
    pairs = [pair.partition("=") for pair in query.split(",") if pair]
    return all(labels.get(key) == value for key, _, value in pairs)


def service(name: str, **selector: str) -> Service:
    return Service(metadata=Metadata(name=name, namespace="shop"), spec=ServiceSpec(selector=selector or None))


def serving(name: str, endpoints: int = 1) -> dict[str, Any]:
    """A slice of that Service."""
    labels = {"kubernetes.io/service-name": name}
    ends = [{"addresses": [f"10.0.0.{number}"]} for number in range(endpoints)]
    return {"metadata": {"name": f"{name}-x", "namespace": "shop", "labels": labels}, "endpoints": ends}


def answers(**more: Any) -> FakeConnection:
    meta = {"name": "web", "namespace": "shop"}
    given: dict[str, Any] = {
        "/api/v1/services": [{"metadata": meta}],
        "/apis/discovery.k8s.io/v1/endpointslices": [serving("web"), serving("api")],
        "/api/v1/namespaces/shop/pods": [{"metadata": {"name": "web-1", "namespace": "shop"}}],
    }
    return FakeConnection({**given, **more})


def test_the_outline_has_no_pods_and_the_rest_only_those_asked_for() -> None:
    fake = answers()
    source = SkimSource(ScanSource(as_connection(fake), now=lambda: 1.0))
    outline = source.outline()
    assert {type(one.value) for one in outline if one.value} == {Service, EndpointSlice}
    snapshot = source.with_pods_of(
        outline, [service("web", app="web"), service("api", app="api"), service("bare")]
    )
    assert [one.metadata.name for one in snapshot.pods("shop")] == ["web-1"]
    assert sorted(fake.asked) == [
        "LIST /api/v1/namespaces/shop/pods?labelSelector=app in (web,api)",
        "LIST /api/v1/services",
        "LIST /apis/discovery.k8s.io/v1/endpointslices",
    ]
    covered = {one for one in snapshot.coverage if one.kind == Pod.__name__}
    assert covered == {Coverage("Pod", "shop", "app in (web,api)")}


@pytest.mark.parametrize(("endpoints", "asked"), [(500, ""), (501, "?labelSelector=app in (web,api)")])
def test_of_a_small_namespace_all_pods_are_read_where_a_service_has_no_endpoints(
    endpoints: int, asked: str
) -> None:
    fake = answers(**{"/apis/discovery.k8s.io/v1/endpointslices": [serving("web", endpoints), serving("api", 0)]})
    source = SkimSource(ScanSource(as_connection(fake)))
    source.with_pods_of(source.outline(), [service("web", app="web"), service("api", app="api")])
    assert f"LIST /api/v1/namespaces/shop/pods{asked}" in fake.asked


def test_what_is_refused_is_a_gap() -> None:
    fake = answers(**{"/api/v1/namespaces/shop/pods": forbidden("list", "pods")})
    source = SkimSource(ScanSource(as_connection(fake)))
    snapshot = source.with_pods_of(source.outline(), [service("web", app="web")])
    assert [(gap.what, gap.because) for gap in snapshot.gaps] == [
        ("Pods", "forbidden: list pods in namespace shop")
    ]
