"""Where the connection goes on: the Service behind a proxy is judged as if it had been asked for, one step far."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.beyond import beyond, open_beyond, widened
from kubectl_refused.model.facts import (
    HANDSHAKE,
    HOLDER,
    LOG,
    PODS_IN,
    SERVICES_IN,
    SLICES_IN,
    WORKLOADS_IN,
    AddressKey,
    ContainerKey,
    Dial,
    Fact,
    NamespaceKey,
    Need,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Service
from kubectl_refused.model.observation import Handshake, Holder, HttpAnswer, Log, Outcome
from kubectl_refused.trace.rulings import Ruling, rule
from tests.scenery import endpoint_slice, pod, scene, service

PAGE = (
    "<html> <head><title>502 Bad Gateway</title></head> <body> <center><h1>502 Bad Gateway</h1></center> "
    "<hr><center>nginx</center>"
)
LINE = (
    "2026/11/29 08:26:25 [error] 8#8: *1 connect() failed (111: Connection refused) while connecting to upstream, "
    'client: 10.0.0.200, server: , request: "GET / HTTP/1.1", upstream: "http://10.96.0.9:80/", '
    'host: "10.0.0.1:8080"'
)
BEHIND = NamespaceKey("back")
READ: tuple[Fact[Any], ...] = (SERVICES_IN, SLICES_IN, PODS_IN)


def cart(name: str = "cart", **spec: Any) -> Service:
    """The Service to which nginx sends, in a namespace of its own."""
    made = service(**spec)
    return replace(made, metadata=replace(made.metadata, name=name, namespace="back"))


def proxied(**known: Any) -> Ruling:
    """nginx behind svc/web answers 502 for svc/cart of namespace back; `known` of that namespace, by fact."""
    one = pod()
    http = HttpAnswer(502, "nginx", PAGE, source="10.0.0.200:40000")
    seen = Handshake("10.0.0.1", 8080, Outcome.ACCEPTED, 0.001, "probe-pod", http=http)
    facts: dict[Need, Any] = {
        Need(HANDSHAKE, Dial("10.0.0.1", 8080)): seen,
        Need(HANDSHAKE, Dial("10.96.0.7", 80)): replace(seen, host="10.96.0.7", port=80, http=None),
        Need(LOG, ContainerKey("shop", "web-1", "web")): Log((LINE,)),
        Need(HOLDER, AddressKey("10.96.0.9")): Holder("Service", "back", "cart"),
    }
    words = {fact: fact.name.partition("-")[0] for fact in READ}
    facts |= {Need(fact, BEHIND): known[word] for fact, word in words.items() if word in known}
    return rule(scene(one, endpoint_slice(one), facts=facts), catalogue("Service"))


def found(ruling: Ruling) -> list[str]:
    return sorted(one.cause.name for one in beyond(ruling))


def test_the_objects_of_that_namespace_are_read_first_and_nothing_is_said_before() -> None:
    ruling = proxied()
    assert [one.cause.name for one in ruling.found] == ["proxy_cannot_reach_upstream"]
    assert open_beyond([ruling]) == [Need(fact, BEHIND) for fact in READ]
    assert found(ruling) == []


def test_then_the_service_there_is_judged_as_if_it_had_been_asked_for() -> None:
    lost = proxied(services=(cart(selector={"app": "crat"}),), slices=(), pods=())
    asked = open_beyond([lost])
    assert Need(WORKLOADS_IN, BEHIND) in asked, "what its causes ask for is asked"
    assert {need.subject.namespace for need in asked if hasattr(need.subject, "namespace")} == {"back"}


def test_a_port_that_the_service_there_does_not_have_is_in_the_chain() -> None:
    wrong = proxied(
        services=(cart(ports=[{"port": 8080, "protocol": "TCP", "targetPort": 8080}]),), slices=(), pods=()
    )
    assert found(wrong) == ["no_such_port"]


def test_what_cannot_be_read_there_is_not_judged() -> None:
    unread = proxied(services=Gap("Services", "forbidden"), slices=(), pods=())
    assert (found(unread), open_beyond([unread])) == ([], [])


def test_methods_see_the_objects_there_and_the_target_s_own_go_first() -> None:
    ruling = proxied(services=(cart(),), slices=(), pods=())
    wider = widened(ruling.scene.snapshot, [ruling])
    assert wider.service("back", "cart") is not None
    assert wider.read("Pod", "back")
    assert wider.service("shop", "web") is ruling.scene.service
    before = proxied()
    assert widened(before.scene.snapshot, [before]) is before.scene.snapshot


@pytest.mark.parametrize("holder", [Holder("Pod", "back", "cart-1"), Holder()])
def test_an_upstream_that_is_no_service_s_is_told_and_not_walked_on_to(holder: Holder) -> None:
    ruling = proxied()
    facts = ruling.scene.facts.having([(Need(HOLDER, AddressKey("10.96.0.9")), holder)])
    again = rule(replace(ruling.scene, facts=facts), catalogue("Service"))
    assert [one.finding.onward for one in again.found] == [None]
    assert open_beyond([again]) == []


def test_a_root_that_goes_nowhere_asks_for_nothing() -> None:
    lone = rule(scene(pod(), endpoint_slice(), facts={}), catalogue("Service"))
    assert beyond(lone) == ()
    assert open_beyond([lone]) == []
