"""Ingresses and routes of the Gateway API before real proxies, which a controller of the suite's configures.

What a client meets there in each proxy's own words, and what the tool says of the same rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from kubectl_refused.causes.rule.backend_speaks_another_protocol import BACKEND_PROTOCOL
from tests.cluster.api import Cluster
from tests.cluster.gateway_api import GROUP
from tests.cluster.proxy_images import load_envoy, load_web_proxies

from .conftest import fresh_namespace
from .proxy_controller import CONTROLLER, PROXIES, ROUTES, reconcile
from .test_causes_d_process import SERVE, SERVER, TLS
from .test_entrances import ingress
from .tool import Answer, refused, until
from .witness_shop import pod, python, service, shell

SETTLE_SECONDS = 40.0
HOST, OTHER, SLIP, SECURE = "shop.example", "old.example", "slip.example", "secure.example"
PAGES = "mkdir -p /tmp/fine /tmp/granted; echo well | tee /tmp/fine/page > /tmp/granted/page"
HTTPD = f"{PAGES}; exec httpd -f -h /tmp -p 8080"
# What a client meets where the pods behind a proxy refuse.
SAY = {"nginx": (502, "nginx"), "haproxy": (503, "No server"), "envoy": (503, "upstream connect error")}
# Asks every proxy for every path, as a client does, and prints what each answers: status and page.
CLIENT = """
import http.client, json, sys
found = {}
for one in sys.argv[1:]:
    proxy, host, path = one.split(",")
    try:
        asked = http.client.HTTPConnection(proxy, 80, timeout=5)
        asked.request("GET", path, headers={"Host": host})
        answer = asked.getresponse()
        found[one] = [answer.status, answer.read(400).decode(errors="replace")]
    except OSError as error:
        found[one] = [0, str(error)]
print(json.dumps(found))
"""


class Shop(NamedTuple):
    """Two namespaces: that of the routes, and one with a Service that they may refer to, and one they may not."""

    name: str
    far: str


def route(name: str, to: dict[str, Any], **parent: Any) -> dict[str, Any]:
    """An HTTPRoute of shop.example for /NAME, attached to gateway/edge."""
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": f"/{name}"}}], "backendRefs": [to]}
    spec = {"parentRefs": [{"name": "edge", **parent}], "hostnames": [HOST], "rules": [rule]}
    return {"apiVersion": f"{GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": name}, "spec": spec}


def gateway(name: str, of_class: str) -> dict[str, Any]:
    """One listener for HTTP."""
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    spec = {"gatewayClassName": of_class, "listeners": listeners}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Gateway", "metadata": {"name": name}, "spec": spec}


def of_class(name: str) -> list[dict[str, Any]]:
    """The classes of the suite's controller, called as the namespace."""
    made = {"metadata": {"name": name}}
    return [
        {"apiVersion": f"{GROUP}/v1", "kind": "GatewayClass", **made, "spec": {"controllerName": CONTROLLER}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", **made, "spec": {"controller": CONTROLLER}},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": f"{name}-nginx"},
            "spec": {"controller": "k8s.io/ingress-nginx"},
        },
    ]


def secure(name: str, of_class: str, annotations: dict[str, str]) -> dict[str, Any]:
    """An Ingress of ingress-nginx before a Service that speaks TLS."""
    made = ingress(name, of_class, {f"/{name}": ("secure", 443)}, host=SECURE)
    return {**made, "metadata": {"name": name, "annotations": annotations}}


def objects(shop: Shop) -> list[dict[str, Any]]:
    """A route for each thing that goes wrong, and an Ingress with the same in its rules."""
    wrong = {"/web": ("app", 80), "/dead": ("dead", 80), "/none": ("none", 80), "/gone": ("ap", 80)}
    return [
        *of_class(shop.name),
        pod("app", shell(HTTPD)),
        pod("client", python("import time; time.sleep(36000)")),
        service("app", {"app": "app"}, 80, 8080),
        service("dead", {"app": "app"}, 80, 9999),
        service("none", {"app": "nobody"}, 80, 8080),
        gateway("edge", shop.name),
        gateway("lost", f"{shop.name}x"),
        route("fine", {"name": "app", "port": 80}),
        route("refuses", {"name": "dead", "port": 80}),
        route("gone", {"name": "ap", "port": 80}),
        route("port", {"name": "app", "port": 81}),
        route("loose", {"name": "app", "port": 80}, sectionName="htpp"),
        route("far", {"name": "app", "port": 80, "namespace": shop.far}),
        route("granted", {"name": "open", "port": 80, "namespace": shop.far}),
        ingress("old", shop.name, wrong, host=OTHER),
        ingress("slip", f"{shop.name}x", {"/": ("app", 80)}, host=SLIP),
        pod("secure", python(SERVER + TLS + SERVE)),
        service("secure", {"app": "secure"}, 443, 8080),
        secure("plain", f"{shop.name}-nginx", {}),
        secure("told", f"{shop.name}-nginx", {BACKEND_PROTOCOL: "HTTPS"}),
        ingress("whole", shop.name, {"/cart": ("dead", 80)}, host=f"{shop.name}.example"),
    ]


def grant(namespace: str) -> dict[str, Any]:
    """Lets that namespace's routes refer to the Service `open`."""
    come = {"group": GROUP, "kind": "HTTPRoute", "namespace": namespace}
    spec = {"from": [come], "to": [{"group": "", "kind": "Service", "name": "open"}]}
    return {"apiVersion": f"{GROUP}/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "in"}, "spec": spec}


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    """The namespaces with all of it, and the proxies as the controller configured them."""
    load_web_proxies(cluster)
    load_envoy(cluster)
    made = Shop(fresh_namespace(cluster), fresh_namespace(cluster))
    services = [service(name, {"app": "app"}, 80, 8080) for name in ("app", "open")]
    behind = [pod("app", shell(HTTPD)), *services, grant(made.name)]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": behind}), namespace=made.far)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects(made)}), namespace=made.name)
    reconcile(cluster, made.name, made.name)
    for name in made:
        cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=50s")
    yield made
    cluster.client().call("DELETE", f"{ROUTES}/gatewayclasses/{made.name}")
    for name in (made.name, f"{made.name}-nginx"):
        cluster.client().call("DELETE", f"/apis/networking.k8s.io/v1/ingressclasses/{name}")
    for name in made:
        cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def met(cluster: Cluster, shop: Shop, *urls: str) -> dict[tuple[str, str], tuple[int, str]]:
    """What a client meets at each proxy, by the proxy and the URL: status and page."""
    asked = [f"{proxy},{url.replace('/', ',/', 1)}" for proxy in PROXIES for url in urls]
    words = ("exec", "-n", shop.name, "client", "--", "python3", "-c", CLIENT, *asked)
    told = json.loads(cluster.kubectl(*words).stdout)
    return {(one.split(",")[0], one.partition(",")[2].replace(",", "")): tuple(told[one]) for one in asked}


def faults(answer: Answer) -> dict[str, str | None]:
    """By the path of its rule, the name of each one's root."""
    told = answer.report["paths"] if answer.out else ()
    return {path["rule"].partition("/")[2]: path["root"]["name"] if path["root"] else None for path in told}


def test_each_route_has_its_own_fault(cluster: Cluster, shop: Shop) -> None:
    wanted = {
        "fine": None,
        "refuses": "wrong-target-port",
        "gone": "backend-service-missing",
        "port": "backend-port-missing",
        "loose": "route-not-attached",
        "far": "reference-not-granted",
        "granted": None,
    }
    answer = until(
        lambda: refused(cluster.kubeconfig, "gateway/edge", "-n", shop.name, "-o", "json"),
        lambda one: faults(one) == wanted,
        SETTLE_SECONDS,
    )
    assert faults(answer) == wanted, answer
    assert answer.code == 1
    told = {path["rule"]: path for path in answer.report["paths"]}
    assert told[f"{HOST}/fine"]["outcome"] == "accepted", answer


def test_clients_meet_each_proxy_s_own_words(cluster: Cluster, shop: Shop) -> None:
    paths = ("fine/page", "granted/page", "refuses", "gone", "port", "loose", "far")
    found = met(cluster, shop, *(f"{HOST}/{path}" for path in paths))
    for proxy, words in SAY.items():
        answers = {path: found[proxy, f"{HOST}/{path}"] for path in paths}
        assert answers["fine/page"] == answers["granted/page"] == (200, "well\n"), found
        for path in ("refuses", "port"):
            status, page = answers[path]
            assert (status, words[1] in page) == (words[0], True), found
        assert [answers[path][0] for path in ("gone", "loose", "far")] == [500, 404, 500], found


def test_a_controller_s_word_is_not_believed_of_a_port(cluster: Cluster, shop: Shop) -> None:
    """It says ResolvedRefs=True, as several implementations do."""
    made = cluster.client().call("GET", f"{ROUTES}/namespaces/{shop.name}/httproutes/port")
    conditions = {one["type"]: one["status"] for one in made["status"]["parents"][0]["conditions"]}
    assert conditions == {"Accepted": "True", "ResolvedRefs": "True"}
    answer = refused(cluster.kubeconfig, "httproute/port", "-n", shop.name, "--probe", "none", "-o", "json")
    assert (answer.root, answer.report["root"]["certainty"]) == ("backend-port-missing", "proved"), answer


def test_a_gateway_whose_class_is_misspelt(cluster: Cluster, shop: Shop) -> None:
    answer = refused(cluster.kubeconfig, "gateway/lost", "-n", shop.name, "--probe", "none", "-o", "json")
    assert (answer.code, answer.root) == (1, "gateway-not-programmed"), answer
    assert shop.name in answer.report["root"]["fix"]["summary"], answer


def test_ingresses_before_the_same_proxies(cluster: Cluster, shop: Shop) -> None:
    urls = [f"{OTHER}/{path}" for path in ("dead", "none", "gone")]
    found = met(cluster, shop, *urls, f"{SLIP}/")
    for proxy, (status, _) in SAY.items():
        assert [found[proxy, url][0] for url in urls] == [status, status, 503], found
        assert found[proxy, f"{SLIP}/"][0] == 404, found
    answer = refused(cluster.kubeconfig, "ingress/old", "ingress/slip", "-n", shop.name, "-o", "json")
    old, slip = answer.report["items"]
    codes = {path["rule"]: path["root"]["code"] if path["root"] else None for path in old["paths"]}
    assert codes == {
        f"{OTHER}/web": None, f"{OTHER}/dead": "KR401", f"{OTHER}/none": "KR201", f"{OTHER}/gone": "KR811",
    }, answer  # fmt: skip
    assert slip["root"]["code"] == "KR802", answer


def test_the_whole_way_from_a_url_to_the_process(cluster: Cluster, shop: Shop) -> None:
    """Each step with whoever says so; nobody has this name in DNS, and the last step is the one that is broken."""
    url = f"http://{shop.name}.example/cart"
    answer = refused(cluster.kubeconfig, url, "-o", "json")
    assert (answer.code, answer.root) == (1, "wrong-target-port"), answer
    elsewhere = refused(cluster.kubeconfig, url.replace("/cart", "/crat"), "--probe", "none", "-o", "json")
    assert elsewhere.root == "no-rule-for-path", elsewhere
    way = answer.report["paths"][0]["way"]
    assert [step["role"] for step in way] == [
        "url", "dns", "address", "entrance", "rule", "service", "slice", "pod", "process",
    ], answer  # fmt: skip
    told = {step["role"]: step for step in way}
    assert (told["dns"]["status"], told["dns"]["witness"]) == ("unknown", "probe-pod"), answer
    assert told["address"]["label"] == "192.0.2.10", answer
    assert (told["pod"]["status"], told["pod"]["witness"], told["pod"]["says"]) == (
        "ok",
        "probe-pod",
        "RST, from behind it",
    ), answer
    assert (told["process"]["status"], told["process"]["witness"]) == ("broken", "exec in app"), answer


def test_a_backend_that_speaks_tls_behind_plain_http(cluster: Cluster, shop: Shop) -> None:
    """nginx speaks plain HTTP to it, and gets no answer; with the annotation a controller would not."""
    found = met(cluster, shop, f"{SECURE}/plain")
    assert {status for status, _ in found.values()} <= {502, 503}, found
    words = ("ingress/plain", "ingress/told", "-n", shop.name, "--guess-protocol", "-o", "json")
    answer = refused(cluster.kubeconfig, *words)
    plain, told = answer.report["items"]
    assert (plain["root"]["name"], plain["root"]["certainty"]) == ("backend-speaks-another-protocol", "proved"), (
        answer
    )
    assert told["root"] is None, answer
