"""A namespace with a healthy Service, one that is silent, and a client of every sort that `--from` can name.

`web` works; `slow` lies behind a policy that drops, so that who dials it lives for seconds. Clients with python
dial themselves; those without programs, that crash or have no pod are stood in for. `far` is another namespace.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .small_shop import await_forwarding, deployment, policy
from .witness_shop import pod, python, service, shell

SLEEPS = python("import time; time.sleep(3600)")
CRASHES = shell("exit 3")
HTTPD = shell("exec httpd -f -p 8080")
NO_PROGRAMS = shell("rm -f /usr/bin/sh /usr/bin/cat /usr/bin/ash; exec busybox sleep 3600")
AS_ROOT = {"securityContext": {"runAsUser": 0}}
TIER = {"tier": "clients"}
DNS = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10"], "searches": ["svc.cluster.local"]}}


def workload(kind: str, name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A workload of that kind whose one pod sleeps, with `labels` instead of `app: NAME`."""
    made = copy.deepcopy(deployment(name, SLEEPS)) | {"kind": kind}
    made["spec"] |= spec
    if labels:
        made["spec"]["selector"]["matchLabels"] = labels
        made["spec"]["template"]["metadata"]["labels"] = labels
    if kind in ("DaemonSet", "Job"):
        del made["spec"]["replicas"]
    if kind == "Job":
        del made["spec"]["selector"]
        made["apiVersion"] = "batch/v1"
        made["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    return made


def without_pods(name: str) -> dict[str, Any]:
    """A Deployment that runs nothing."""
    made = copy.deepcopy(deployment(name, SLEEPS))
    made["spec"]["replicas"] = 0
    return made


def crashing() -> dict[str, Any]:
    """A client that never stays up: its node is known, its DNS is its own."""
    made = copy.deepcopy(deployment("crashy", CRASHES, **DNS))
    made["spec"]["template"]["metadata"]["labels"] |= TIER
    return made


PUBLISHING = service("pub", {"app": "pub"}, 80, 8080)
PUBLISHING["spec"] |= {"publishNotReadyAddresses": True}
BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "keep"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "pdb"}}},
}
USED = {"type": "Utilization", "averageUtilization": 90}
SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "grow"},
    "spec": {
        "maxReplicas": 2,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hpa"},
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": USED}}],
    },
}
OBJECTS: list[dict[str, Any]] = [
    policy("slow"),
    deployment("web", HTTPD),
    service("web", {"app": "web"}, 80, 8080),
    pod("slow", HTTPD),
    service("slow", {"app": "slow"}, 80, 8080),
    pod("py", SLEEPS),
    deployment("client", SLEEPS),
    workload("StatefulSet", "sts", serviceName="sts"),
    workload("DaemonSet", "ds"),
    workload("Job", "job"),
    pod("bare", NO_PROGRAMS, **AS_ROOT),
    crashing(),
    # Both would take the stand-in of `crashy` for theirs, if it were an orphan.
    workload("ReplicaSet", "bare-set", labels=TIER),
    workload("DaemonSet", "bare-daemons", labels=TIER),
    service("clients", TIER, 80, 8080),
    *(without_pods(name) for name in ("idle", "pub", "pdb", "hpa")),
    PUBLISHING,
    BUDGET,
    SCALER,
]
FAR: list[dict[str, Any]] = [pod("py", SLEEPS), without_pods("idle")]


@dataclass(frozen=True)
class Shop:
    """The two namespaces of a cluster."""

    cluster: Cluster
    namespace: str
    far: str

    def items(self, resource: str, group: str = "", selector: str = "") -> list[dict[str, Any]]:
        """Objects of the first namespace, read by the administrator."""
        base = f"/apis/{group}" if group else "/api/v1"
        path = f"{base}/namespaces/{self.namespace}/{resource}"
        query = f"?labelSelector={selector}" if selector else ""
        found: list[dict[str, Any]] = self.cluster.client().call("GET", path + query)["items"]
        return found


def open_shop(cluster: Cluster) -> Shop:
    """Furnish both namespaces and wait until what can run runs."""
    shop = Shop(cluster, fresh_namespace(cluster), fresh_namespace(cluster))
    for namespace, objects in ((shop.namespace, OBJECTS), (shop.far, FAR)):
        cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)
    waits = ("--for=condition=Ready", "pod", "--timeout=60s")
    cluster.kubectl("wait", "-n", shop.namespace, *waits, "-l", "app!=crashy", timeout=90)
    cluster.kubectl("wait", "-n", shop.far, *waits, "--all", timeout=90)
    await_forwarding(cluster, shop.namespace, "web")
    return shop
