"""Entrances: healthy shapes that look odd are no fault, and a URL goes through the door that takes it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.cli.exit_codes import exit_code
from kubectl_refused.model.entrances import Door, Ingress
from kubectl_refused.model.objects import Metadata
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose
from kubectl_refused.resolve.grammar import parse
from kubectl_refused.sources.urls import owner_in
from kubectl_refused.trace.attachments import meet
from kubectl_refused.trace.urls import best_doors
from tests.case_folders import decoded, snapshot_of
from tests.case_runs import CaseLearner, CaseSource

GROUP = "gateway.networking.k8s.io/v1"
WEB = """
- {apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {
   clusterIP: 10.96.0.1, selector: {app: web},
   ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8081}]}}
- {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
   metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}},
   endpoints: [{addresses: [10.202.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: web-1}}],
   ports: [{name: http, port: 8080, protocol: TCP}, {name: admin, port: 8081, protocol: TCP}]}
- {apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, labels: {app: web}},
   status: {phase: Running, podIP: 10.202.0.1, conditions: [{type: Ready, status: 'True'}]}}
- {apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx},
   spec: {controller: k8s.io/ingress-nginx}}
- {apiVersion: v1, kind: Pod, metadata: {name: controller, namespace: ingress-nginx,
   labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller}},
   status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}
- {apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: envoy},
   spec: {controllerName: a/b}}
"""


def told(target: str, *items: dict[str, Any]) -> Diagnosis:
    """What the objects alone say of `ingress/shop` and so on, beside a Service web that works."""
    world = [decoded(one) for one in [*yaml.safe_load(WEB), *items]]
    (asked,) = parse([target], namespace="shop")
    return diagnose(asked, CaseSource(world), CaseLearner(world, {}, "shop", Depth.NONE), depth=Depth.NONE)


def ingress(
    *paths: dict[str, Any], host: str | None = "shop.example", of_class: str = "nginx", **spec: Any
) -> dict[str, Any]:
    rules = [{**({"host": host} if host else {}), "http": {"paths": list(paths)}}] if paths else None
    made = {"ingressClassName": of_class, "rules": rules, **spec}
    meta = {"name": "shop", "namespace": "shop"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": made}


def path(port: dict[str, Any], at: str = "/", sort: str = "Prefix", name: str = "web") -> dict[str, Any]:
    return {"path": at, "pathType": sort, "backend": {"service": {"name": name, "port": port}}}


def gateway(space: str = "shop", **listener: Any) -> dict[str, Any]:
    one = {"name": "http", "port": 80, "protocol": "HTTP", **listener}
    said = {
        "conditions": [{"type": kind, "status": "True", "reason": kind} for kind in ("Accepted", "Programmed")]
    }
    return {"apiVersion": GROUP, "kind": "Gateway", "metadata": {"name": "public", "namespace": space},
            "spec": {"gatewayClassName": "envoy", "listeners": [one]}, "status": said}  # fmt: skip


def route(
    *refs: dict[str, Any], parents: Any = ({"name": "public"},), hosts: Any = None, **rule: Any
) -> dict[str, Any]:
    spec = {"parentRefs": list(parents), "hostnames": hosts, "rules": [{"backendRefs": list(refs), **rule}]}
    return {
        "apiVersion": GROUP,
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": spec,
    }


@pytest.mark.parametrize(
    "item",
    [
        ingress(path({"name": "http"})),
        ingress(
            path({"number": 80}, "/a", "Exact"), path({"number": 81}, "/b(/|$)(.*)", "ImplementationSpecific")
        ),
        ingress(path({"number": 80}), host="*.shop.example"),
        ingress(path({"number": 80}), host=None),
        ingress(defaultBackend={"service": {"name": "web", "port": {"number": 80}}}),
        ingress(path({"number": 8080})),  # ingress-nginx takes the targetPort as well
        ingress(path({"number": 80}), tls=[{"hosts": ["shop.example"], "secretName": "shop-tls"}]),
    ],
)
def test_an_ingress_that_is_well(item: dict[str, Any]) -> None:
    diagnosis = told("ingress/shop", item)
    assert (diagnosis.root, exit_code(diagnosis)) == (None, 0)
    assert all(one.rule for one in diagnosis.paths)


@pytest.mark.parametrize(
    ("listener", "made"),
    [
        ({}, route({"name": "web", "port": 80, "weight": 9}, {"name": "gone", "port": 80, "weight": 0})),
        ({}, route({"name": "web", "port": 80}, filters=[{"type": "RequestMirror", "requestMirror": {
            "backendRef": {"name": "gone", "port": 80}}}])),
        ({"hostname": "*.example"}, route({"name": "web", "port": 80}, hosts=["a.b.example"])),
        ({"hostname": "shop.example"}, route({"name": "web", "port": 80}, hosts=["*.example"])),
        ({"hostname": "shop.example"}, route({"name": "web", "port": 80})),
        ({"allowedRoutes": {"kinds": [{"kind": "HTTPRoute"}], "namespaces": {"from": "All"}}},
         route({"name": "web", "port": 80}, parents=({"name": "public", "sectionName": "http", "port": 80},))),
        ({}, route({"name": "web", "port": 80}, parents=({"name": "elsewhere"}, {"name": "public"}))),
        ({}, route(filters=[{"type": "RequestRedirect"}])),
    ],
)  # fmt: skip
def test_a_route_that_is_well(listener: dict[str, Any], made: dict[str, Any]) -> None:
    for target in ("httproute/shop", "gateway/public"):
        diagnosis = told(target, gateway(**listener), made)
        assert (diagnosis.root, exit_code(diagnosis)) == (None, 0), diagnosis.root


@pytest.mark.parametrize(
    ("ref", "code"), [({"name": "wbe", "port": 80}, "KR811"), ({"name": "web", "port": 8080}, "KR812")]
)
def test_a_backend_of_a_route_is_compared_whatever_its_status_says(ref: dict[str, Any], code: str) -> None:
    said = {"type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs"}
    made = route(ref) | {"status": {"parents": [{"parentRef": {"name": "public"}, "conditions": [said]}]}}
    root = told("httproute/shop", gateway(), made).root
    assert root is not None
    assert (root.code, root.certainty.value) == (code, "proved")
    assert root.fix is not None
    assert "--type=json" in (root.fix.command or "")


def test_one_bad_listener_of_two_stops_no_route_of_the_other() -> None:
    bad = {
        "type": "ResolvedRefs",
        "status": "False",
        "reason": "InvalidCertificateRef",
        "message": "no such Secret",
    }
    well = {"type": "Programmed", "status": "True", "reason": "Programmed"}
    made = gateway()
    made["status"]["listeners"] = [{"name": "tls", "conditions": [bad]}, {"name": "http", "conditions": [well]}]
    assert told("gateway/public", made, route({"name": "web", "port": 80})).root is None
    made["status"]["listeners"] = [{"name": "tls", "conditions": [bad]}]
    root = told("gateway/public", made, route({"name": "web", "port": 80})).root
    assert root is not None
    assert (root.code, "no such Secret" in root.says) == ("KR822", True)


def test_an_old_condition_is_not_believed() -> None:
    old = {"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "observedGeneration": 1}
    made = route({"name": "web", "port": 80})
    made["metadata"]["generation"] = 2
    made["status"] = {"parents": [{"parentRef": {"name": "public"}, "conditions": [old]}]}
    assert told("httproute/shop", gateway(), made).root is None
    made["metadata"]["generation"] = 1
    root = told("httproute/shop", gateway(), made).root
    assert root is not None
    assert root.code == "KR821"


def test_the_fault_in_front_comes_before_the_one_behind() -> None:
    made = ingress(path({"number": 80}), of_class="ngnix")
    world = [one for one in yaml.safe_load(WEB) if one["kind"] != "EndpointSlice"]
    objects = [decoded(one) for one in [*world, made] if one["metadata"]["name"] != "web-1"]
    target = Target("shop", "shop", None, "Ingress")
    learner = CaseLearner(objects, {}, "shop", Depth.NONE)
    found = diagnose(target, CaseSource(objects), learner, depth=Depth.NONE)
    (one,) = found.paths
    assert one.root is not None
    assert (one.root.code, len(one.chain)) == ("KR802", 1)


def door(host: str, at: str, *, exact: bool = False, pattern: bool = False) -> Door:
    owner = Ingress(metadata=Metadata(name="shop", namespace="shop"))
    return Door(
        owner=owner, field="spec", host=host, path=at, namespace="shop", service="web", port=80, exact=exact,
        pattern=pattern,
    )  # fmt: skip


DOORS = (
    door("shop.example", "/"), door("shop.example", "/cart"), door("shop.example", "/cart", exact=True),
    door("*.example", "/wild"), door("", "/any"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("host", "at", "index"),
    [
        ("shop.example", "/", 0), ("SHOP.example.", "/carts", 0), ("shop.example", "/cart/1", 1),
        ("shop.example", "/cart", 2), ("a.example", "/wild/x", 3), ("a.example", "/other", None),
        ("a.b.example", "/wild", None), ("other.test", "/any", 4),
    ],
)  # fmt: skip
def test_the_most_exact_door_takes_a_url(host: str, at: str, index: int | None) -> None:
    assert best_doors(DOORS, host, at) == (() if index is None else (DOORS[index],))


def test_a_door_for_every_host_owns_no_url() -> None:
    shops = snapshot_of((decoded(ingress(path({"number": 80}), host=None)),))
    assert owner_in(Target("shop.example", "", "80", "Address", path="/"), shops) is None
    named = snapshot_of((decoded(ingress(path({"number": 80}))),))
    found = owner_in(Target("shop.example", "", "80", "Address", path="/x"), named)
    assert found is not None
    assert (str(found), found.namespace, found.path) == ("ingress/shop", "shop", "/x")


NAMES = st.text(alphabet="a.*-", max_size=8)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(listener=NAMES, hosts=st.lists(NAMES, max_size=3), at=st.text(max_size=20))
def test_hostile_names_and_paths_end(listener: str, hosts: list[str], at: str) -> None:
    assert meet(listener, hosts) in (True, False)
    assert not hosts or meet(listener, [listener])
    assert all(one in DOORS for one in best_doors(DOORS, listener, at))
