"""A Service of two families whose pod has an address of one.

In a dual-stack cluster every pod gets both addresses, so this one is on paper: its node has no kubelet, its status
is written here and names the address of a pod that serves. The slices are the real controller's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .dual_stack_shop import both, dual_stack
from .test_probe_pod import apply
from .tool import Answer, refused, says, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 30.0
SINCE = "2026-01-01T00:00:00Z"


@pytest.fixture
def paper_node(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A node without a kubelet; pods of a node that is not there at all are in no slice."""
    name = f"paper-{namespace}"
    cluster.client().create("/api/v1/nodes", {"metadata": {"name": name}})
    yield name
    cluster.client().call("DELETE", f"/api/v1/nodes/{name}")


def written(address: str) -> dict[str, Any]:
    """The status of a ready pod with that one address."""
    state = {"running": {"startedAt": SINCE}}
    container = {"name": "c0", "image": "x", "imageID": "", "ready": True, "restartCount": 0, "state": state}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": SINCE} for kind in ("PodScheduled", "Ready")
    ]
    one = {"podIP": address, "podIPs": [{"ip": address}], "containerStatuses": [container]}
    return {"status": {"phase": "Running", "conditions": conditions, **one}}


def ended(answer: Answer) -> dict[str, str]:
    """How the path of each family ended."""
    return {path["family"]: path["outcome"] for path in answer.report["paths"]}


@pytest.mark.parametrize("cluster", [dual_stack("nftables")], indirect=True)
def test_pods_without_an_address_of_the_second_family(cluster: Cluster, namespace: str, paper_node: str) -> None:
    apply(
        cluster,
        namespace,
        pod("server", shell("exec httpd -f -p 8080")),
        both(service("web", {"app": "web"}, 80, 8080)),
    )
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/server", "--timeout=40s")
    status = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/server")["status"]
    apply(cluster, namespace, pod("web", shell("exec httpd"), nodeName=paper_node))
    words = ("patch", "pod", "web", "-n", namespace, "--subresource=status", "--type=merge")
    cluster.kubectl(*words, "-p", json.dumps(written(status["podIP"])))
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        lambda a: says("pods-lack-address-family")(a) and ended(a)["IPv4"] == "accepted",
        SETTLE_SECONDS,
    )
    assert answer.root == "pods-lack-address-family", answer
    assert ended(answer)["IPv4"] == "accepted", answer
    fixed = refused(cluster.kubeconfig, "svc/web", "-n", namespace, "--fix", "--yes", "-o", "json")
    assert fixed.code == 0, fixed
