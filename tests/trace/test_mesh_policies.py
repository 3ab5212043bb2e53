"""A mesh's policies, evaluated as its proxies do; what cannot be judged is neither a denial nor a permission."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.mesh import MESH_TYPES, MeshObject, gathered
from kubectl_refused.model.objects import Pod
from kubectl_refused.sources.decoding import decode
from kubectl_refused.trace.linkerd_policies import admits_everybody, authorizations, lists, server_of
from kubectl_refused.trace.mesh_policies import Client, denial, peer_mode
from tests.scenery import pod

OUTSIDE = Client("10.1.0.7", meshed=False)
INSIDE = Client("10.1.0.7", meshed=True, namespace="front")
SECURITY, LINKERD = "security.istio.io", "policy.linkerd.io"
WEB = {"matchLabels": {"app": "web"}}


def made(group: str, kind: str, spec: dict[str, Any], name: str = "one", namespace: str = "shop") -> MeshObject:
    raw = {"metadata": {"name": name, "namespace": namespace, "labels": {"tier": name}}, "spec": spec}
    return decode(msgspec.json.encode(raw), MESH_TYPES[group, kind][0])


def peer(mode: str | None, namespace: str = "shop", **spec: Any) -> MeshObject:
    mtls = {"mtls": {"mode": mode}} if mode else {}
    return made(SECURITY, "PeerAuthentication", {**mtls, **spec}, mode or "none", namespace)


def mode(*policies: MeshObject, port: int = 8080) -> str:
    return peer_mode(gathered(policies), pod(), port)[0]


def test_the_pod_s_own_mode_goes_before_its_namespace_s_and_the_mesh_s() -> None:
    everywhere, here = peer("STRICT", "istio-system"), peer("PERMISSIVE")
    own = peer("DISABLE", selector=WEB)
    assert mode() == ""
    assert mode(everywhere) == "STRICT"
    assert mode(everywhere, here) == "PERMISSIVE"
    assert mode(everywhere, here, own) == "DISABLE"
    assert mode(everywhere, peer("UNSET"), peer(None, selector=WEB)) == "STRICT", "what is not set is inherited"
    assert mode(everywhere, peer("DISABLE", selector={"matchLabels": {"app": "other"}})) == "STRICT"
    assert mode(everywhere, peer("DISABLE", "other")) == "STRICT"


def test_a_port_may_have_a_mode_of_its_own() -> None:
    one = peer("STRICT", selector=WEB, portLevelMtls={"8080": {"mode": "PERMISSIVE"}})
    assert (mode(one), mode(one, port=9090)) == ("PERMISSIVE", "STRICT")


def allow(*rules: dict[str, Any], action: str | None = None, **spec: Any) -> MeshObject:
    said = {"action": action} if action else {}
    return made(SECURITY, "AuthorizationPolicy", {**said, **({"rules": list(rules)} if rules else {}), **spec})


def source(**what: Any) -> dict[str, Any]:
    return {"from": [{"source": what}]}


PORT = {"to": [{"operation": {"ports": ["8080"]}}]}


@pytest.mark.parametrize(
    ("policies", "client", "wanted"),
    [
        ([], OUTSIDE, None),
        ([allow()], INSIDE, "everybody"),
        ([allow({})], OUTSIDE, None),
        ([allow({}, action="DENY")], INSIDE, "everybody"),
        ([allow(action="DENY")], INSIDE, None),
        ([allow(action="AUDIT"), allow({}, action="AUDIT")], OUTSIDE, None),
        ([allow(source(namespaces=["front"]))], OUTSIDE, "sure"),
        ([allow(source(namespaces=["front"]))], INSIDE, None),
        ([allow(source(namespaces=["fr*"])), allow(source(namespaces=["*nt"]))], INSIDE, None),
        ([allow(source(namespaces=["back"]))], INSIDE, "sure"),
        ([allow(source(principals=["cluster.local/ns/front/sa/web"]))], OUTSIDE, "sure"),
        ([allow(source(principals=["cluster.local/ns/front/sa/web"]))], INSIDE, "unsure"),
        ([allow(source(ipBlocks=["10.1.0.0/16"]))], OUTSIDE, None),
        ([allow(source(ipBlocks=["10.2.0.0/16"]))], OUTSIDE, "sure"),
        ([allow(source(ipBlocks=["no address"]))], OUTSIDE, "unsure"),
        ([allow(source(notIpBlocks=["10.2.0.0/16"]))], OUTSIDE, "unsure"),
        ([allow(PORT)], OUTSIDE, None),
        ([allow({"to": [{"operation": {"ports": ["9090"]}}]})], OUTSIDE, "sure"),
        ([allow({"to": [{"operation": {"methods": ["GET"]}}]})], OUTSIDE, "unsure"),
        ([allow({**PORT, "when": [{"key": "request.headers[x]"}]})], OUTSIDE, "unsure"),
        ([allow({}), allow(source(ipBlocks=["10.1.0.7"]), action="DENY")], OUTSIDE, "sure"),
        ([allow(selector={"matchLabels": {"app": "other"}})], OUTSIDE, None),
        ([allow(targetRefs=[{"kind": "Gateway", "name": "edge"}])], OUTSIDE, None),
    ],
)
def test_who_is_kept_out(policies: list[MeshObject], client: Client, wanted: str | None) -> None:
    found = denial(gathered(tuple(policies)), pod(), 8080, client)
    told = None if found is None else "everybody" if found.everybody else "sure" if found.sure else "unsure"
    assert told == wanted


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 70000))
def test_whatever_is_written_there_is_judged_without_a_crash(text: str, name: str, port: int) -> None:
    rules = [source(ipBlocks=[text], namespaces=[text]), {"to": [{"operation": {"ports": [text]}}]}]
    told = gathered((allow(*rules), peer(text or None, portLevelMtls={text: {"mode": name}})))
    denial(told, pod(), port, Client(text, meshed=bool(name), namespace=name))
    peer_mode(told, pod(), port)
    assert lists(text, port) in (True, False)


def server(name: str = "web", port: int | str = 8080, **spec: Any) -> MeshObject:
    return made(LINKERD, "Server", {"podSelector": WEB, "port": port, **spec}, name)


def named_port() -> Pod:
    return pod(container={"ports": [{"name": "http", "containerPort": 8080}]})


def test_a_server_is_for_a_port_by_number_or_name() -> None:
    assert server_of(gathered((server(),)), pod(), 8080) is not None
    assert server_of(gathered((server(),)), pod(), 9090) is None
    assert server_of(gathered((server(port="http"),)), named_port(), 8080) is not None
    assert server_of(gathered((server(port="htpp"),)), named_port(), 8080) is None
    assert server_of(gathered((server(podSelector={"matchLabels": {"app": "x"}}),)), pod(), 8080) is None


@pytest.mark.parametrize(
    ("kind", "spec", "is_for"),
    [
        ("AuthorizationPolicy", {"targetRef": {"kind": "Server", "name": "web"}}, True),
        ("AuthorizationPolicy", {"targetRef": {"kind": "Server", "name": "wep"}}, False),
        ("AuthorizationPolicy", {"targetRef": {"kind": "Namespace", "name": "shop"}}, True),
        ("AuthorizationPolicy", {"targetRef": {"kind": "HTTPRoute", "name": "any"}}, True),
        ("ServerAuthorization", {"server": {"name": "web"}}, True),
        ("ServerAuthorization", {"server": {"selector": {"matchLabels": {"tier": "web"}}}}, True),
        ("ServerAuthorization", {"server": {"selector": {"matchLabels": {"tier": "db"}}}}, False),
    ],
)
def test_what_lets_somebody_reach_a_server(kind: str, spec: dict[str, Any], is_for: bool) -> None:
    one = server()
    told = gathered((one, made(LINKERD, kind, spec)))
    found = server_of(told, pod(), 8080)
    assert found is not None
    assert bool(authorizations(told, found)) is is_for
    assert not admits_everybody(found)


def test_a_server_that_lets_everybody_in_by_itself() -> None:
    found = server_of(gathered((server(accessPolicy="all-unauthenticated"),)), pod(), 8080)
    assert found is not None
    assert admits_everybody(found)


def test_lists_of_opaque_ports() -> None:
    assert lists("25, 4444,6000-6100", 4444)
    assert lists("25,6000-6100", 6050)
    assert not lists("", 25)
    assert not lists("a-b,-5", 5)
