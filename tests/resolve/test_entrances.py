"""Words for what leads to Services: kubectl's forms, mixed with Services, and hostile ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.target import ENTRANCES
from kubectl_refused.resolve.entrances import entrance_of
from kubectl_refused.resolve.grammar import parse


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ingress/shop"], ["ingress/shop"]),
        (["ing", "shop", "api"], ["ingress/shop", "ingress/api"]),
        (["Ingresses.v1.networking.k8s.io/shop.example"], ["ingress/shop.example"]),
        (["gtw/public", "svc/web:80"], ["gateway/public", "svc/web:80"]),
        (["httproutes.gateway.networking.k8s.io/cart"], ["httproute/cart"]),
        (["grpcroute/a", "tcproute/b", "tlsroute/c"], ["grpcroute/a", "tcproute/b", "tlsroute/c"]),
        (["ingress", "web:80"], ["svc/ingress", "svc/web:80"]),
        (["gateway"], ["svc/gateway"]),
        (["route/shop", "routes.route.openshift.io/cart"], ["route/shop", "route/cart"]),
        (["node/node1:30080", "lb/web"], ["node/node1:30080", "lb/web"]),
        (["nodes.v1./kind-control-plane:030080", "no/a.b:80"], ["node/kind-control-plane:30080", "node/a.b:80"]),
    ],
)
def test_what_is_named(words: list[str], told: list[str]) -> None:
    found = parse(words, namespace="shop", kubectl="kubectl --context c")
    assert [str(one) for one in found] == told
    assert {(one.namespace, one.kubectl) for one in found} == {("shop", "kubectl --context c")}


@pytest.mark.parametrize(
    ("words", "wrong", "instead"),
    [
        (["ingress/"], "'ingress/' has no name", "type ingress/NAME"),
        (["ingress/Shop"], "has no name of an object", "type ingress/NAME"),
        (["ingress/shop:80"], "ingress/shop has no ports", "type ingress/shop"),
        (["node/node1"], "'node/node1' has no port", "type node/node1:NODEPORT"),
        (["node/node1:http"], "port 'http' is not between", "type node/NAME:NODEPORT"),
        (["node/:80"], "has no name of a node", "type node/NAME:NODEPORT"),
        (["lb/web:80"], "lb/web has no ports", "type lb/web"),
        (["ingress/shop", "web"], "'web' has no kind", "svc/NAME"),
        (["ingress/shop", "docker/web"], "not in one place", "each by itself"),
        (["ingress.extensions.example/shop"], "is no kind", "svc/NAME"),
    ],
)
def test_what_is_wrong_and_what_to_type_instead(words: list[str], wrong: str, instead: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse(words, namespace="shop")
    assert wrong in caught.value.message
    assert instead in caught.value.message


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from([*map(str.lower, ENTRANCES), "ing"]), name=st.text(max_size=300))
def test_hostile_names_end_in_one_line(kind: str, name: str) -> None:
    told, found = "", None
    try:
        found = entrance_of(f"{kind}/{name}")
    except UsageProblem as problem:
        told = problem.message
    assert "\n" not in told
    assert bool(told) != bool(found and found.name == name)
