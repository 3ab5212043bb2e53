"""A client that dials before its policies are in force, and gives up: the embedded enforcer is late, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .small_shop import deployment
from .test_causes_c_policies import labels, policy
from .tool import refused, until
from .witness_shop import pod, python, service

SETTLE_SECONDS = 60.0
SERVER = python("import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()")
# What a migration does: once, and at once. The address is that of the pod, so that only policies can be late.
DIALS = "nc -w 3 {address} 8080 </dev/null"
# On a busy machine a client may start later than the enforcer hears of it: then another is made.
MOST_CLIENTS = 8


def refused_client(cluster: Cluster, namespace: str, address: str) -> str:
    """The name of a client that was refused in its first moment."""
    for number in range(MOST_CLIENTS):
        name = f"migrate-{number}"
        command = ["sh", "-c", DIALS.format(address=address)]
        client = pod(name, {"image": "localhost/busybox:1", "command": command})
        client["metadata"]["labels"] = {"app": "migrate"}
        client["spec"]["restartPolicy"] = "Never"
        cluster.apply(json.dumps(client), namespace=namespace)
        ended = ("--for=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}", "--timeout=60s")
        cluster.kubectl("wait", "-n", namespace, f"pod/{name}", *ended, timeout=90)
        told = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
        if told["status"]["phase"] == "Failed":
            return name
    raise AssertionError(f"the enforcer was in time for {MOST_CLIENTS} clients")


@pytest.fixture(scope="module")
def race(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """(namespace with svc/web and a policy that allows the client, the client, which has failed)."""
    namespace = fresh_namespace(cluster, {"kubectl-refused.test/policy-style": "reject"})
    allowed = policy("web", {"podSelector": labels(app="migrate")})
    items: list[dict[str, Any]] = [deployment("web", SERVER), service("web", {"app": "web"}, 80, 8080), allowed]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    available = ("--for=condition=Available", "deploy/web", "--timeout=90s")
    cluster.kubectl("wait", "-n", namespace, *available, timeout=120)
    (web,) = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    yield namespace, refused_client(cluster, namespace, web["status"]["podIP"])
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def test_a_client_that_dialled_before_its_policies_held(cluster: Cluster, race: tuple[str, str]) -> None:
    namespace, client = race
    words = ("svc/web", "-n", namespace, "--from", f"pod/{client}", "-o", "json")
    answer = until(
        lambda: refused(cluster.kubeconfig, *words),
        lambda told: bool(told.out) and told.root == "policies-late-for-new-pods",
        SETTLE_SECONDS,
    )
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (3, "policies-late-for-new-pods", "likely"), answer
    assert answer.report["outcome"] == "accepted", "it works by now"
    assert root["where"] == f"pod/{client}"
    dials = [one for one in root["evidence"] if one["kind"] == "packet"]
    assert [one["outcome"] == "accepted" for one in dials] == [False, True], answer
