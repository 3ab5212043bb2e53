"""A rule that a fix adds lets through whom it was written for, in the policy's namespace or from another."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.causes.policy.egress_denied import egress_denied
from kubectl_refused.causes.policy.ingress_denied import ingress_denied
from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.facts import LISTENERS, NAMESPACE, POLICIES_IN, NamespaceKey, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import NetworkPolicy
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Vantage
from kubectl_refused.trace.policies import Party, allows
from tests.case_folders import decoded
from tests.scenery import dialled, endpoint_slice, pod, scene

from .json_patches import patched

CLIENTS = ("shop", "front")


@pytest.mark.parametrize("namespace", CLIENTS)
def test_an_ingress_rule_lets_the_clients_namespace_in(namespace: str) -> None:
    document = policy("shop", "Ingress")
    fix = next(ingress_denied(denied(namespace, document))).fix
    client = Party(namespace, {}, {"kubernetes.io/metadata.name": namespace})
    assert allows([amended(document, fix)], "Ingress", client, pod(), 8080)


@pytest.mark.parametrize("namespace", CLIENTS)
def test_an_egress_rule_lets_out_to_the_services_namespace(namespace: str) -> None:
    document = policy(namespace, "Egress")
    fix = next(egress_denied(denied(namespace, document))).fix
    web = Party("shop", {"app": "web"}, {"kubernetes.io/metadata.name": "shop"})
    assert allows([amended(document, fix)], "Egress", web, pod(), 8080)


def test_the_other_namespace_is_named() -> None:
    fix = next(egress_denied(denied("front", policy("front", "Egress")))).fix
    assert fix is not None
    assert "in namespace shop" in fix.summary


def policy(namespace: str, direction: str) -> dict[str, Any]:
    """One that closes a direction for every pod of its namespace."""
    spec = {"podSelector": {}, "policyTypes": [direction]}
    return {"kind": "NetworkPolicy", "metadata": {"name": "closed", "namespace": namespace}, "spec": spec}


def denied(namespace: str, document: dict[str, Any]) -> Scene:
    """A client of this namespace that gets no answer from web's pod in shop."""
    web = pod()
    facts: dict[Need, Any] = {**dialled("10.0.0.1", 8080, Outcome.TIMEOUT)}
    for known in CLIENTS:
        found = [parsed(document)] if document["metadata"]["namespace"] == known else []
        facts[Need(POLICIES_IN, NamespaceKey(known))] = found
        facts[Need(NAMESPACE, NamespaceKey(known))] = Gap("Namespace", "forbidden")
    facts[Need(LISTENERS, PodKey("shop", "web-1"))] = Gap("sockets", "forbidden")
    seen = scene(web, endpoint_slice(web), facts=facts)
    client = Vantage("client", namespace, "node1", name="pod/cart", address="10.0.0.9")
    return replace(seen, vantage=client).at_endpoint(seen.endpoints[0])


def amended(document: dict[str, Any], fix: Fix | None) -> NetworkPolicy:
    """The policy with the fix's own request applied."""
    assert fix is not None
    assert fix.request is not None
    assert isinstance(fix.request.body, list)
    return parsed(patched(document, fix.request.body))


def parsed(document: dict[str, Any]) -> NetworkPolicy:
    """The document as an API server's answer is read."""
    made = decoded(document)
    assert isinstance(made, NetworkPolicy)
    return made
