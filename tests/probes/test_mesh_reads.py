"""What a mesh is told: one request where no mesh is, its own namespace too, and what cannot be read is a gap."""

from __future__ import annotations

from typing import Any

from kubectl_refused.model.facts import MESH, NamespaceKey
from kubectl_refused.model.mesh import MeshObjects
from kubectl_refused.probes.mesh_reads import MeshReads
from tests.fakes import FakeConnection, ask, forbidden, probe_context

SHOP = NamespaceKey("shop")
PEERS = "/apis/security.istio.io/v1/namespaces/{}/peerauthentications"
ALLOWS = "/apis/{}/namespaces/{}/authorizationpolicies"
ISTIO, LINKERD = "security.istio.io/v1", "policy.linkerd.io/v1alpha1"


def groups(**served: list[str]) -> dict[str, Any]:
    listed = [{"name": name, "versions": [{"version": v} for v in versions]} for name, versions in served.items()]
    return {"kind": "APIGroupList", "groups": listed}


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def read(answers: dict[str, Any]) -> tuple[Any, list[str]]:
    fake = FakeConnection(answers)
    (found,) = ask(MeshReads(), probe_context(fake), MESH, SHOP)
    return found, fake.asked


def test_a_cluster_without_a_mesh_costs_one_request() -> None:
    found, asked = read({"/apis": groups(apps=["v1"])})
    assert found == MeshObjects()
    assert asked == ["GET /apis"]


def test_what_holds_for_the_namespace_and_for_the_whole_mesh() -> None:
    answers = {
        "/apis": groups(**{"security.istio.io": ["v1"]}),
        PEERS.format("shop"): [named("own")],
        PEERS.format("istio-system"): [named("mesh")],
        ALLOWS.format(ISTIO, "shop"): [],
        ALLOWS.format(ISTIO, "istio-system"): [named("all")],
    }
    found, _ = read(answers)
    assert [one.metadata.name for one in found.peer_authentications] == ["own", "mesh"]
    assert [one.metadata.name for one in found.authorization_policies] == ["all"]
    assert found.unread == ()


def test_two_meshes_call_different_kinds_alike() -> None:
    answers = {
        "/apis": groups(**{"policy.linkerd.io": ["v1alpha1"]}),
        ALLOWS.format(LINKERD, "shop"): [{**named("a"), "spec": {"targetRef": {"kind": "Server", "name": "b"}}}],
    }
    found, _ = read(answers)
    assert [one.spec.target_ref.name for one in found.linkerd_authorizations] == ["b"]
    assert found.authorization_policies == ()
    assert found.unread == (), "a kind that is not served is no gap"


def test_what_may_not_be_read_or_does_not_read_as_such_is_a_gap() -> None:
    answers = {
        "/apis": groups(**{"security.istio.io": ["v1"]}),
        PEERS.format("shop"): [{**named("odd"), "spec": {"mtls": 7}}],
        PEERS.format("istio-system"): forbidden("list", "peerauthentications.security.istio.io"),
        ALLOWS.format(ISTIO, "shop"): [],
        ALLOWS.format(ISTIO, "istio-system"): [],
    }
    found, _ = read(answers)
    assert found.peer_authentications == ()
    assert [gap.what for gap in found.unread] == [
        "PeerAuthentication objects of namespace shop",
        "PeerAuthentication objects of namespace istio-system",
    ]
