"""What a mesh is told, read on the cluster, before real proxies that do as they were told.

No control plane of a mesh runs here: the kinds are Istio's by name alone, and Envoy is configured as its sidecar
would be (STRICT is a listener that only knows TLS, a denial is its RBAC filter).
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
from .tool import says, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 40.0
GROUP = "security.istio.io"
PEER = (GROUP, "v1", "PeerAuthentication", "peerauthentications", "Namespaced")
POLICY = (GROUP, "v1", "AuthorizationPolicy", "authorizationpolicies", "Namespaced")
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
    """An object of one of the kinds, for the pods of its name."""
    whole = {"selector": {"matchLabels": {"app": name}}, **spec}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind[2], "metadata": {"name": name}, "spec": whole}


def meshed(name: str, listener: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """A pod whose app is well behind Envoy, and its Service."""
    return pod(name, {**shell(ALIVE), "name": "app"}, sidecar("istio-proxy", listener)), service(
        name, {"app": name}, 80, 8080
    )


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> Iterator[str]:
    """Both kinds, and a namespace with what they are told."""
    load_envoy(cluster)
    names = [f"{kind[3]}.{kind[0]}" for kind in (PEER, POLICY)]
    kinds = {"apiVersion": "v1", "kind": "List", "items": [definition(*kind) for kind in (PEER, POLICY)]}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(kinds))
    cluster.kubectl("wait", "--for=condition=Established", "crd", *names, "--timeout=60s", timeout=90)
    name = fresh_namespace(cluster)
    items = [
        *meshed("strict", strict()),
        *meshed("denied", denying()),
        told(PEER, "strict", {"mtls": {"mode": "STRICT"}}),
        told(POLICY, "denied", {"action": "ALLOW"}),
    ]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=name)
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=50s")
    for made in cluster.client().call("GET", f"/api/v1/namespaces/{name}/pods")["items"]:
        redirect(cluster, name, made)
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
