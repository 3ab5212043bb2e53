"""The Job and the bare pod that a probe runs in: pure.

Pod Security `restricted` in every field (https://kubernetes.io/docs/concepts/security/pod-security-standards/), requests
and limits since a ResourceQuota may demand both, no service-account token, and out of every service mesh. No
label of ours is one that a Service selects.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kubectl_refused.probes.images import Choice

NAME = "kubectl-refused"
CONTAINER = "probe"
MANAGED_BY = "app.kubernetes.io/managed-by"
RUN = "refused.dev/run"
CREATED = "refused.dev/created-at"
DEADLINE = 120  # seconds that the Job's pod may exist, pull included
TIME_TO_LIVE = 30  # seconds that the finished Job stays: the cluster removes it even when we were killed
USER = 65532  # "nonroot" of distroless images; any number but 0 satisfies `restricted`

# Opt-outs: a sidecar would answer for the Service, and would keep the Job from ending. Istio wants a label, once an
# annotation (both are set), ambient and Kuma labels, Linkerd and Consul annotations.
MESH_LABELS = {
    "sidecar.istio.io/inject": "false",
    "istio.io/dataplane-mode": "none",
    "kuma.io/sidecar-injection": "disabled",
}
MESH_ANNOTATIONS = {
    "sidecar.istio.io/inject": "false",
    "linkerd.io/inject": "disabled",
    "consul.hashicorp.com/connect-inject": "false",
}


def job(name: str, namespace: str, run_id: str, *, choice: Choice, arguments: Sequence[str], pull_secret: str) -> Any:
    """The batch/v1 Job as the API takes it; `arguments` are the agent's."""
    spec = pod_spec(choice, arguments, pull_secret)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(run_id) | {"name": name, "namespace": namespace},
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE,
            "ttlSecondsAfterFinished": TIME_TO_LIVE,
            "template": {"metadata": pod_metadata(run_id), "spec": spec},
        },
    }


def bare_pod(
    name: str, namespace: str, run_id: str, *, choice: Choice, arguments: Sequence[str], pull_secret: str
) -> Any:
    """The same as a pod of its own, for where Jobs are forbidden: it ends by its deadline but stays listed."""
    spec = pod_spec(choice, arguments, pull_secret) | {"activeDeadlineSeconds": DEADLINE}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": pod_metadata(run_id) | {"name": name, "namespace": namespace},
        "spec": spec,
    }


def metadata(run_id: str) -> dict[str, Any]:
    """Labels and annotations by which a leftover is recognised."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    labels = {MANAGED_BY: NAME, "app.kubernetes.io/name": NAME, RUN: run_id}
    return {"labels": labels, "annotations": {CREATED: created}}


def pod_metadata(run_id: str) -> dict[str, Any]:
    """The same on a pod, with the mesh opt-outs."""
    plain = metadata(run_id)
    return {
        "labels": plain["labels"] | MESH_LABELS,
        # The cluster autoscaler must not wait for a probe.
        "annotations": plain["annotations"]
        | MESH_ANNOTATIONS
        | {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
    }


def pod_spec(choice: Choice, arguments: Sequence[str], pull_secret: str) -> dict[str, Any]:
    """A pod's spec for one run of the agent."""
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": affinity(choice.nodes),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(choice.image, choice.argv(arguments))],
    } | ({"imagePullSecrets": [{"name": pull_secret}]} if pull_secret else {})


def container(image: str, command: list[str]) -> dict[str, Any]:
    """The agent's container."""
    return {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "500m", "memory": "64Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def affinity(hostnames: Sequence[str]) -> dict[str, Any]:
    """To the nodes that have the image (not `nodeName`, which goes round the scheduler); never a virtual node."""
    wanted: list[dict[str, Any]] = [{"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]}]
    if hostnames:
        wanted.append({"key": "kubernetes.io/hostname", "operator": "In", "values": list(hostnames)})
    terms = {"nodeSelectorTerms": [{"matchExpressions": wanted}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
