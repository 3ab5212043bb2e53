"""What a mesh is told, read on the cluster, before real proxies that do as they were told.

No control plane of a mesh runs here: the kinds are Istio's and Linkerd's by name alone, and Envoy is configured as
their proxies would be (STRICT is a listener that only knows TLS, a denial is its RBAC filter).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.cluster.proxy_images import load_envoy

from .conftest import fresh_namespace
from .test_envoy_sidecar import ask, inbound, sidecar
from .test_other_policies import definition
from .test_sidecar import ALIVE, redirect
from .tool import refused, says, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 40.0
GROUP = "security.istio.io"
PEER = (GROUP, "v1", "PeerAuthentication", "peerauthentications", "Namespaced")
POLICY = (GROUP, "v1", "AuthorizationPolicy", "authorizationpolicies", "Namespaced")
RULE = ("networking.istio.io", "v1", "DestinationRule", "destinationrules", "Namespaced")
ROUTER = ("networking.istio.io", "v1", "VirtualService", "virtualservices", "Namespaced")
SERVER = ("policy.linkerd.io", "v1beta3", "Server", "servers", "Namespaced")
KINDS = (PEER, POLICY, RULE, ROUTER, SERVER)
OPAQUE = "config.linkerd.io/opaque-ports"
FILTERS = "type.googleapis.com/envoy.extensions.filters"
TLS = {"name": "tls", "typed_config": {"@type": f"{FILTERS}.listener.tls_inspector.v3.TlsInspector"}}
# Without a policy that allows something it lets nobody in.
NOBODY = {
    "name": "envoy.filters.network.rbac",
    "typed_config": {
        "@type": f"{FILTERS}.network.rbac.v3.RBAC",
        "stat_prefix": "rbac",
        "rules": {"action": "ALLOW"},
    },
}


def strict() -> dict[str, Any]:
    """A listener that takes TLS only, as Istio's has it for mode STRICT."""
    made = inbound()
    chain = {**made["filter_chains"][0], "filter_chain_match": {"transport_protocol": "tls"}}
    return {**made, "listener_filters": [TLS, *made["listener_filters"]], "filter_chains": [chain]}


def denying() -> dict[str, Any]:
    """A listener that hangs up on everybody, as Istio's does by an AuthorizationPolicy without rules."""
    made = inbound()
    return {**made, "filter_chains": [{"filters": [NOBODY, *made["filter_chains"][0]["filters"]]}]}


def told(kind: tuple[str, ...], name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """An object of one of the kinds."""
    return {"apiVersion": f"{kind[0]}/{kind[1]}", "kind": kind[2], "metadata": {"name": name}, "spec": spec}


def chosen(name: str) -> dict[str, Any]:
    """What selects the pods of that name."""
    return {"matchLabels": {"app": name}}


def meshed(name: str, proxy: dict[str, Any], **annotations: str) -> tuple[dict[str, Any], ...]:
    """A pod whose app is well beside that container, and its Service."""
    made = pod(name, {**shell(ALIVE), "name": "app"}, proxy)
    made["metadata"]["annotations"] = annotations
    return made, service(name, {"app": name}, 80, 8080)


def idle(name: str, **more: Any) -> dict[str, Any]:
    """A container that goes by a proxy's name and takes nothing."""
    return {**shell("exec sleep 36000"), "name": name, **more}


# Envoy takes all that comes to these two; beside the others nothing does.
ENVOYS = {
    "strict": ("istio-proxy", strict),
    "denied": ("istio-proxy", denying),
    "linked": ("linkerd-proxy", denying),
}
NEVER = {"httpGet": {"port": 15021, "path": "/healthz/ready"}, "periodSeconds": 1}


def objects() -> Iterator[dict[str, Any]]:
    """Everything, each told of its own."""
    for name, (proxy, listener) in ENVOYS.items():
        yield from meshed(name, sidecar(proxy, listener()))
    yield from meshed("unready", idle("istio-proxy", readinessProbe=NEVER))
    yield from meshed("split", idle("istio-proxy"))
    yield from meshed("mute", idle("linkerd-proxy"), **{OPAQUE: "8080"})
    yield told(PEER, "strict", {"selector": chosen("strict"), "mtls": {"mode": "STRICT"}})
    yield told(POLICY, "denied", {"selector": chosen("denied"), "action": "ALLOW"})
    yield told(SERVER, "linked", {"podSelector": chosen("linked"), "port": 8080})
    yield told(RULE, "split", {"host": "split", "subsets": [{"name": "new", "labels": {"app": "splitt"}}]})
    to = {"destination": {"host": "split", "subset": "new"}}
    yield told(ROUTER, "split", {"hosts": ["split"], "http": [{"route": [to]}]})


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> Iterator[str]:
    """The kinds, and a namespace with what they are told."""
    load_envoy(cluster)
    names = [f"{kind[3]}.{kind[0]}" for kind in KINDS]
    kinds = {"apiVersion": "v1", "kind": "List", "items": [definition(*kind) for kind in KINDS]}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(kinds))
    cluster.kubectl("wait", "--for=condition=Established", "crd", *names, "--timeout=60s", timeout=90)
    name = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [*objects()]}), namespace=name)
    ready = [f"pod/{one}" for one in (*ENVOYS, "split", "mute")]
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", *ready, "--timeout=50s")
    for one in ENVOYS:
        redirect(cluster, name, cluster.client().call("GET", f"/api/v1/namespaces/{name}/pods/{one}"))
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")
    cluster.kubectl("delete", "crd", *names, "--wait=false")


def test_a_strict_mesh_hangs_up_on_who_is_outside_of_it(cluster: Cluster, mesh: str) -> None:
    awaited = says("mesh-wants-mutual-tls", 1)
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "strict", "--guess-protocol"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "mesh-wants-mutual-tls"), answer
    assert "peerauthentication/strict" in answer.report["root"]["says"], answer


def test_a_policy_without_rules_lets_nobody_in(cluster: Cluster, mesh: str) -> None:
    awaited = says("mesh-authorization-denies", 1)
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "denied", "--guess-protocol"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "mesh-authorization-denies"), answer
    kinds = [one["kind"] for one in answer.report["root"]["evidence"]]
    assert kinds == ["object", "packet"], "the policy, and Envoy's hanging up"


def test_a_server_without_an_authorization_lets_nobody_in(cluster: Cluster, mesh: str) -> None:
    awaited = says("mesh-server-admits-nobody", 1)
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "linked", "--guess-protocol"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "mesh-server-admits-nobody"), answer


def test_what_objects_alone_tell(cluster: Cluster, mesh: str) -> None:
    """A sidecar that the kubelet finds not ready, a subset without pods, and a port that one side calls opaque."""
    names = ("unready", "split", "mute")
    words = (*(f"svc/{name}" for name in names), "-n", mesh, "--probe", "none", "-o", "json")
    awaited = '"sidecar-not-ready"'
    answer = until(lambda: refused(cluster.kubeconfig, *words), lambda one: awaited in one.out, SETTLE_SECONDS)
    told = {item["target"]: item for item in answer.report["items"]}
    assert told["svc/unready"]["root"]["name"] == "sidecar-not-ready", answer
    assert told["svc/split"]["root"]["name"] == "subset-selects-no-pod", answer
    assert told["svc/split"]["root"]["fix"]["summary"].endswith("to split"), answer
    assert told["svc/mute"]["root"] is None, answer
    assert [note["name"] for note in told["svc/mute"]["notes"]] == ["opaque-ports-differ"], answer
