"""The Job and the bare pod that a probe runs in: pure.

Pod Security `restricted` in every field (https://kubernetes.io/docs/concepts/security/pod-security-standards/),
requests and limits since a ResourceQuota may demand both, no service-account token, and out of every service
mesh. No label of ours is one that a Service selects.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from kubectl_refused.probes.images import Choice

NAME = "kubectl-refused"
CONTAINER = "probe"
MANAGED_BY = "app.kubernetes.io/managed-by"
RUN = "refused.dev/run"
PROBE = "refused.dev/probe"
CREATED = "refused.dev/created-at"
NEVER = "refused.dev/never-ready"
DEADLINE = 120  # seconds that the Job's pod may exist, pull included
TIME_TO_LIVE = 30  # seconds that the finished Job stays: the cluster removes it even when we were killed
USER = 65532  # "nonroot" of distroless images; any number but 0 satisfies `restricted`

# Opt-outs: a sidecar would answer for the Service, and would keep the Job from ending. Istio wants a label,
# once an annotation (both are set), ambient and Kuma labels, Linkerd and Consul annotations.
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


class Wanted(Struct, frozen=True):
    """One probe: `name` is that of the Job or the pod, `arguments` are the agent's.

    `labels` and `manner` (fields of a pod's spec) are those of the client that the pod stands in for.
    `amounts` are requests and limits alike, where a LimitRange does not let us have our own.
    """

    name: str
    namespace: str
    run_id: str
    choice: Choice
    arguments: tuple[str, ...]
    pull_secret: str = ""
    node: str = ""  # only this one
    labels: tuple[tuple[str, str], ...] = ()
    manner: Mapping[str, Any] = field(default_factory=dict)
    amounts: Mapping[str, str] = field(default_factory=dict)


def job(wanted: Wanted) -> dict[str, Any]:
    """The batch/v1 Job as the API takes it."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(wanted) | {"name": wanted.name, "namespace": wanted.namespace},
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE,
            "ttlSecondsAfterFinished": TIME_TO_LIVE,
            "template": {"metadata": pod_metadata(wanted), "spec": pod_spec(wanted)},
        },
    }


def bare_pod(wanted: Wanted) -> dict[str, Any]:
    """The same as a pod of its own, for where Jobs are forbidden: it ends by its deadline but stays listed."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": pod_metadata(wanted) | {"name": wanted.name, "namespace": wanted.namespace},
        "spec": pod_spec(wanted) | {"activeDeadlineSeconds": DEADLINE},
    }


def selector_of(wanted: Wanted) -> str:
    """The label selector of this probe's pod, whoever creates it."""
    return f"{RUN}={wanted.run_id},{PROBE}={wanted.name}"


def metadata(wanted: Wanted) -> dict[str, Any]:
    """Labels and annotations by which a leftover is recognised."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    labels = {MANAGED_BY: NAME, "app.kubernetes.io/name": NAME, RUN: wanted.run_id, PROBE: wanted.name}
    return {"labels": labels, "annotations": {CREATED: created}}


def pod_metadata(wanted: Wanted) -> dict[str, Any]:
    """The same on a pod, with the mesh opt-outs and the client's labels, which policies may judge by.

    Only the two labels by which we find the pod are above the client's.
    """
    plain = metadata(wanted)
    found_by = {RUN: wanted.run_id, PROBE: wanted.name}
    return {
        "labels": plain["labels"] | dict(wanted.labels) | MESH_LABELS | found_by,
        # The cluster autoscaler must not wait for a probe.
        "annotations": plain["annotations"]
        | MESH_ANNOTATIONS
        | {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
    }


def pod_spec(wanted: Wanted) -> dict[str, Any]:
    """A pod's spec for one run of the agent."""
    choice = wanted.choice
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": affinity(choice.nodes, wanted.node),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # Never met, so the pod is never ready and no Service sends it traffic, whatever labels it has.
        "readinessGates": [{"conditionType": NEVER}],
        "containers": [container(choice.image, choice.argv(wanted.arguments), wanted.amounts)],
        **wanted.manner,
    }
    return spec | ({"imagePullSecrets": [{"name": wanted.pull_secret}]} if wanted.pull_secret else {})


def container(image: str, command: list[str], amounts: Mapping[str, str]) -> dict[str, Any]:
    """The agent's container."""
    own = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}
    return {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        # The CPU limit is no wish: Python's start takes 40 ms of CPU, and 10m would stretch them to 4 s.
        "resources": {"requests": dict(amounts), "limits": dict(amounts)} if amounts else own,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def affinity(hostnames: Sequence[str], node: str) -> dict[str, Any]:
    """To the nodes that have the image (not `nodeName`, which goes round the scheduler); never a virtual node."""
    wanted: list[dict[str, Any]] = [{"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]}]
    if hostnames:
        wanted.append({"key": "kubernetes.io/hostname", "operator": "In", "values": list(hostnames)})
    term: dict[str, Any] = {"matchExpressions": wanted}
    if node:
        term["matchFields"] = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    required = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
