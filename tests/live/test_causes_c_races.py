"""A client that dials before its policies are in force, and gives up.

The embedded enforcer is a moment late, but not always late enough: here it is made late by a second.
"""

from __future__ import annotations

import json
import threading
import time
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
LATE_SECONDS = 0.7
LOOK_SECONDS = 0.1
SERVER = python("import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()")
TABLE = """table inet late {{
set known {{ type ipv4_addr
}}
chain forward {{
type filter hook forward priority -300
ip daddr {address} tcp dport 8080 ip saddr != @known reject
}}
}}
"""


def keep_late(cluster: Cluster, namespace: str, number: int, over: threading.Event) -> None:
    """Let each pod of the namespace through some time after the API told its address, as a slow plugin does."""
    since: dict[str, float] = {}
    known: set[str] = set()
    while not over.wait(LOOK_SECONDS):
        pods = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        for address in filter(None, (one["status"].get("podIP") for one in pods)):
            since.setdefault(address, time.monotonic())
            if address not in known and time.monotonic() - since[address] >= LATE_SECONDS:
                known.add(address)
                element = f"add element inet late known {{ {address} }}\n"
                cluster.run_on_node(number, ["nft", "-f", "-"], given=element.encode())


@pytest.fixture(scope="module")
def race(cluster: Cluster) -> Iterator[str]:
    """A namespace with svc/web, a policy that allows the client, and the client, which has failed."""
    namespace = fresh_namespace(cluster, {"kubectl-refused.test/policy-style": "reject"})
    allowed = policy("web", {"podSelector": labels(app="migrate")})
    items: list[dict[str, Any]] = [deployment("web", SERVER), service("web", {"app": "web"}, 80, 8080), allowed]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    available = ("--for=condition=Available", "deploy/web", "--timeout=90s")
    cluster.kubectl("wait", "-n", namespace, *available, timeout=120)
    (web,) = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    number, address = int(web["spec"]["nodeName"].removeprefix("node")), web["status"]["podIP"]
    cluster.run_on_node(number, ["nft", "-f", "-"], given=TABLE.format(address=address).encode())
    over = threading.Event()
    plugin = threading.Thread(target=keep_late, args=(cluster, namespace, number, over), daemon=True)
    plugin.start()
    # What a migration does: once, and at once.
    client = pod("migrate", {"image": "localhost/busybox:1", "command": ["nc", "-w", "3", address, "8080"]})
    client["metadata"]["labels"] = {"app": "migrate"}
    client["spec"]["restartPolicy"] = "Never"
    cluster.apply(json.dumps(client), namespace=namespace)
    failed = ("--for=jsonpath={.status.phase}=Failed", "pod/migrate", "--timeout=60s")
    cluster.kubectl("wait", "-n", namespace, *failed, timeout=90)
    yield namespace
    over.set()
    plugin.join(10)
    cluster.run_on_node(number, ["nft", "delete", "table", "inet", "late"])
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def test_a_client_that_dialled_before_its_policies_held(cluster: Cluster, race: str) -> None:
    words = ("svc/web", "-n", race, "--from", "pod/migrate", "-o", "json")
    answer = until(
        lambda: refused(cluster.kubeconfig, *words),
        lambda told: bool(told.out) and told.root == "policies-late-for-new-pods",
        SETTLE_SECONDS,
    )
    root = answer.report["root"]
    assert (answer.code, root["name"], root["certainty"]) == (3, "policies-late-for-new-pods", "likely"), answer
    assert answer.report["outcome"] == "accepted", "it works by now"
    assert root["where"] == "pod/migrate"
    dials = [one for one in root["evidence"] if one["kind"] == "packet"]
    assert [one["outcome"] == "accepted" for one in dials] == [False, True], answer
