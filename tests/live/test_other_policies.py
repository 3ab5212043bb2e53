"""Policies of kinds that nobody here evaluates are named where a dial fails: seen, and not evaluated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .small_shop import policy
from .test_probe_pod import apply
from .tool import refused, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 60.0
CILIUM = ("cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies", "Namespaced")
ADMIN = ("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", "Cluster")


def definition(group: str, version: str, kind: str, plural: str, scope: str) -> dict[str, Any]:
    """The smallest definition of a kind that takes any spec."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    # The API server holds everything under k8s.io back from those who did not have it approved.
    approved = {"api-approved.kubernetes.io": "unapproved, for a test"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": approved},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }


@pytest.fixture
def defined(cluster: Cluster) -> Iterator[None]:
    """Both kinds, for as long as the test runs."""
    names = [f"{kind[3]}.{kind[0]}" for kind in (CILIUM, ADMIN)]
    made = {"apiVersion": "v1", "kind": "List", "items": [definition(*kind) for kind in (CILIUM, ADMIN)]}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(made))
    cluster.kubectl("wait", "--for=condition=Established", "crd", *names, "--timeout=60s", timeout=90)
    yield
    cluster.kubectl("delete", "crd", *names, "--wait=false")


def test_policies_of_other_kinds_are_named_where_a_dial_fails(
    cluster: Cluster, namespace: str, defined: None
) -> None:
    apply(cluster, namespace, policy("web"), pod("web", shell("exec httpd -f -p 8080")))
    apply(cluster, namespace, service("web", {"app": "web"}, 80, 8080))
    strange = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "strange"}}
    anywhere = {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": f"of-{namespace}"},
    }
    apply(cluster, namespace, strange, anywhere)
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        lambda one: bool(one.out) and one.root == "ingress-denied" and "strange" in one.out,
        SETTLE_SECONDS,
    )
    told = {gap["what"]: gap["because"] for gap in answer.report["gaps"]}
    assert "not evaluated" in told["CiliumNetworkPolicy strange"], answer
    assert "for the whole cluster" in told[f"AdminNetworkPolicy of-{namespace}"], answer
    assert answer.root == "ingress-denied", "what was evaluated is the answer nevertheless"

    cluster.kubectl("delete", "networkpolicy", "--all", "-n", namespace)
    works = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        lambda one: one.code == 0,
        SETTLE_SECONDS,
    )
    assert "strange" not in works.out, "nothing failed, so that nothing denies"
