"""The whole way: every step from the URL to the process with its witness, up to the one that is broken."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, LOOKUP, Dial, NameKey, Need, PodKey
from kubectl_refused.model.observation import Handshake, Listeners, Lookup, Outcome, Socket
from kubectl_refused.model.report import Diagnosis, Step
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose
from tests.case_folders import decoded
from tests.case_runs import CaseLearner, CaseSource
from tests.renderers.streams import rendered
from tests.trace.test_entrances import WEB, ingress

GROUP = "gateway.networking.k8s.io/v1"
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}
PATH = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
SHOP = Target("shop", "shop", None, "Ingress", host="shop.example", path="/cart")
ROLES = ["url", "dns", "address", "entrance", "rule", "service", "slice", "pod", "process"]


def asked(target: Target, *items: dict[str, Any], facts: dict[Need, Any]) -> Diagnosis:
    """What is said of an Ingress or a route in front of a Service that works, once these facts are known."""
    world = [decoded(one) for one in [*yaml.safe_load(WEB), *items]]
    learner = CaseLearner(world, facts, "shop", Depth.PODS)
    return diagnose(target, CaseSource(world), learner, depth=Depth.PODS)


def dial(host: str, port: int, outcome: Outcome) -> dict[Need, Any]:
    return {Need(HANDSHAKE, Dial(host, port)): Handshake(host, port, outcome, 0.001, "probe-pod")}


def known(outcome: Outcome, *sockets: Socket) -> dict[Need, Any]:
    """What was dialled, resolved and read inside the pod."""
    return {
        Need(LOOKUP, NameKey("shop.example")): Lookup("shop.example", ("192.0.2.10",), 0.001, "probe-pod"),
        Need(LISTENERS, PodKey("shop", "web-1")): Listeners(sockets, "exec"),
        **dial("10.96.0.1", 80, outcome),
        **dial("10.202.0.1", 8080, outcome),
    }


HTTPD = Socket("0.0.0.0", 8080, pid=1, process="httpd")
SERVED = {**ingress(PATH), "status": ADDRESS}


def way_of(diagnosis: Diagnosis) -> list[Step]:
    return list(diagnosis.paths[0].way)


def test_a_url_is_followed_to_the_process() -> None:
    way = way_of(asked(SHOP, SERVED, facts=known(Outcome.ACCEPTED, HTTPD)))
    assert [step.role for step in way] == ROLES
    assert [step.label for step in way] == [
        "shop.example/cart", "192.0.2.10", "192.0.2.10", "ingress/shop", "shop.example/", "svc/web:80",
        "endpointslice/web-1", "pod/web-1 10.202.0.1:8080", "port 8080",
    ]  # fmt: skip
    assert [step.witness for step in way] == [
        "", "probe-pod", "object", "object", "object", "probe-pod", "object", "probe-pod", "probe-pod",
    ]  # fmt: skip
    assert {step.status for step in way[1:]} == {"ok"}


def test_what_refuses_is_the_last_step_and_what_it_passed_is_well() -> None:
    diagnosis = asked(
        SHOP, SERVED, facts=known(Outcome.REFUSED, Socket("127.0.0.1", 8080, pid=1, process="httpd"))
    )
    way = way_of(diagnosis)
    assert diagnosis.root is not None
    assert diagnosis.root.name == "listens-on-loopback"
    assert [step.role for step in way] == ROLES
    assert [step.status for step in way] == ["start", *["ok"] * 7, "broken"]
    assert (way[-1].note, way[-1].label) == (diagnosis.root.says, "httpd (pid 1) on 127.0.0.1:8080")
    assert (way[5].witness, way[5].says) == ("probe-pod", "RST, from behind it")


def test_a_rule_that_leads_nowhere_ends_the_way() -> None:
    wrong = {**PATH, "backend": {"service": {"name": "wep", "port": {"number": 80}}}}
    way = way_of(asked(SHOP, {**ingress(wrong), "status": ADDRESS}, facts={}))
    assert [step.role for step in way] == ROLES[:5]
    assert (way[-1].status, "svc/wep:80" in way[-1].says) == ("broken", True)


def test_what_nobody_knows_is_not_called_well() -> None:
    way = way_of(asked(SHOP, ingress(PATH), facts={}))
    told = {step.role: (step.status, step.witness) for step in way}
    assert told["dns"] == ("unknown", "")
    assert told["address"] == ("unknown", "")
    assert told["pod"] == ("unknown", "")
    assert "process" not in told


def test_a_name_that_does_not_resolve_is_told() -> None:
    facts = {Need(LOOKUP, NameKey("shop.example")): Lookup("shop.example", (), 0.001, "probe-pod", "no such name")}
    dns = next(step for step in way_of(asked(SHOP, SERVED, facts=facts)) if step.role == "dns")
    assert (dns.status, "no such name" in dns.note) == ("unknown", True)


def test_a_route_stands_behind_its_gateway() -> None:
    ref, meta = {"name": "web", "port": 80}, {"namespace": "shop"}
    spec = {"parentRefs": [{"name": "edge"}], "hostnames": ["shop.example"], "rules": [{"backendRefs": [ref]}]}
    route = {"apiVersion": GROUP, "kind": "HTTPRoute", "metadata": {**meta, "name": "web"}, "spec": spec}
    listeners = {"gatewayClassName": "envoy", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}
    programmed = [{"type": "Programmed", "status": "True", "reason": "Programmed"}]
    edge = {
        "apiVersion": GROUP,
        "kind": "Gateway",
        "metadata": {**meta, "name": "edge"},
        "spec": listeners,
        "status": {"addresses": [{"value": "192.0.2.20"}], "conditions": programmed},
    }
    way = way_of(
        asked(Target("web", "shop", None, "HTTPRoute"), route, edge, facts=known(Outcome.ACCEPTED, HTTPD))
    )
    assert [(step.role, step.label) for step in way[:4]] == [
        ("client", "client"),
        ("address", "192.0.2.20"),
        ("entrance", "gateway/edge"),
        ("rule", "httproute/web shop.example/"),
    ]


@pytest.mark.parametrize("form", ["terminal", "markdown", "html", "json"])
def test_every_form_shows_each_step_and_its_witness(form: str) -> None:
    refused = known(Outcome.REFUSED, Socket("127.0.0.1", 8080, pid=1, process="httpd"))
    told = rendered(asked(SHOP, SERVED, facts=refused), form=form)
    for word in ("shop.example/cart", "192.0.2.10", "ingress/shop", "svc/web:80", "endpointslice/web-1", "exec"):
        assert word in told
