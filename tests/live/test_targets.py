"""Targets beside Services, for real: pods past every Service, and what the API server itself calls."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.cluster.errors import ClusterError

from .small_shop import READY_SECONDS, deployment, ready_services
from .tool import refused, says, until
from .witness_shop import service

WORDS_SECONDS = 30.0
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
SERVERS = "/apis/apiregistration.k8s.io/v1/apiservices"
# Whoever is dialled listens on 8080; the API server is sent to where nobody does.
OBJECTS = (
    deployment(
        "web", {"command": ["httpd", "-f", "-p", "8080"], "ports": [{"containerPort": 8080, "name": "http"}]}
    ),
    service("dead", {"app": "web"}, 443, 9443),
)


def test_pods_past_every_service(cluster: Cluster, shop: str) -> None:
    words = ("deploy/web", "deploy/web:9999", "deploy/loop", "deploy/wbe", "deploy/crash:8080")
    answer = refused(cluster.kubeconfig, *words, "-n", shop, "-o", "json")
    told = [(item["target"], (item["root"] or {}).get("name"), item["outcome"]) for item in answer.report["items"]]
    assert told == [
        ("deploy/web", None, "accepted"),
        ("deploy/web:9999", "pod-listens-on-another-port", "refused"),
        ("deploy/loop", "listens-on-loopback", "refused"),
        ("deploy/wbe", "no-such-pod-or-workload", "untried"),
        ("deploy/crash:8080", "crash-loop", "untried"),
    ], answer
    assert answer.code == 1


# By itself: while an aggregated API is down, no discovery is whole, and no namespace anywhere can be deleted.
@pytest.mark.serial
def test_what_the_api_server_calls(cluster: Cluster, namespace: str) -> None:
    """A webhook and an APIService whose Service sends to a port where nobody listens."""
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}), namespace=namespace)
    deadline = time.monotonic() + READY_SECONDS
    while "dead" not in ready_services(cluster, namespace):
        assert time.monotonic() < deadline, "the pod is not ready"
        time.sleep(0.2)
    with registered(cluster, namespace):
        assert "connection refused" in words(cluster, namespace)
        named = (f"webhook/check.{namespace}.example", f"apiservice/v1.{namespace}.example")
        for target in named:
            answer = until(
                lambda target=target: refused(cluster.kubeconfig, target, "-n", namespace, "-o", "json"),  # type: ignore[misc]
                says("wrong-target-port"),
                WORDS_SECONDS,
            )
            assert (answer.root, answer.code) == ("wrong-target-port", 1), answer
            (path,) = answer.report["paths"]
            assert path["hops"][0]["label"] == "API server"
            assert path["entrance"].endswith(":443")


def words(cluster: Cluster, namespace: str) -> str:
    """What the API server says of its webhook, once it is in force and no endpoint is missing any more."""
    deadline, said = time.monotonic() + WORDS_SECONDS, ""
    while "connection refused" not in said and time.monotonic() < deadline:
        try:
            cluster.client().create(
                f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"generateName": "c"}}
            )
        except ClusterError as error:
            said = str(error)
        time.sleep(0.2)
    return said


@contextmanager
def registered(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Both of them; they hold for the cluster, and only things of this namespace are asked about."""
    called = {"namespace": namespace, "name": "dead"}
    hook: dict[str, Any] = {
        "name": f"check.{namespace}.example",
        "clientConfig": {"service": {**called, "path": "/validate"}},
        "rules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "admissionReviewVersions": ["v1"],
    }
    group = f"{namespace}.example"
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": called,
    }
    client = cluster.client()
    try:
        client.create(WEBHOOKS, {"metadata": {"name": namespace}, "webhooks": [hook]})
        client.create(
            SERVERS, {"metadata": {"name": f"v1.{group}"}, "spec": {**spec, "insecureSkipTLSVerify": True}}
        )
        yield
    finally:
        for path in (f"{WEBHOOKS}/{namespace}", f"{SERVERS}/v1.{group}"):
            client.delete(path)


def test_a_webhook_that_is_not_there(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, f"webhook/{shop}.nowhere.example", "-n", shop, "-o", "json")
    assert (answer.root, answer.code) == ("no-such-webhook-or-api-service", 1), answer
