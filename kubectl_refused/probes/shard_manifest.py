"""The Indexed Job of a large scan: one pod on each node that looks, all with one template. Pure.

A pod's dials are made by an init container, which ends when they are told; a second one stays. While it does, no
other pod of the Job may stand on its node (a required anti-affinity; the scheduler does not count pods that have
ended), so each index gets a node of its own, and one that is lost comes back where nobody looks any more.
We delete the Job once every shard has been read. Where we cannot, its deadline and its time to live do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.images import Choice
from kubectl_refused.probes.probe_agent_source import PYTHON, shard_source
from kubectl_refused.probes.probe_pod_manifest import (
    PROBE,
    TIME_TO_LIVE,
    Wanted,
    container,
    metadata,
    pod_metadata,
    pod_spec,
)

STAY = "stay"
AGAIN = 2  # more pods for an index whose pod is lost: Kubernetes makes them (KEP-3850, since 1.29)
MOST_NAMED = 100  # nodes by name in the affinity; of more, any that a pod may be on
MEMORY = "128Mi"  # of a plan of 150,000 places


def shards_job(wanted: Wanted, clients: Sequence[Client], seconds: int) -> dict[str, Any]:
    """The batch/v1 Job: a shard for each client, all of which are nodes. It may last `seconds`."""
    meta = metadata(wanted) | {"name": wanted.name, "namespace": wanted.namespace}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {
            "completionMode": "Indexed",
            "completions": len(clients),
            "parallelism": len(clients),
            "backoffLimitPerIndex": AGAIN,
            "activeDeadlineSeconds": seconds,
            "ttlSecondsAfterFinished": TIME_TO_LIVE,
            "template": {"metadata": pod_metadata(wanted), "spec": shard_spec(wanted, clients, seconds)},
        },
    }


def shard_spec(wanted: Wanted, clients: Sequence[Client], seconds: int) -> dict[str, Any]:
    """The pod's spec: that of a probe pod, on one of the nodes, beside no other of its Job."""
    spec: dict[str, Any] = {**pod_spec(wanted), **_manner(clients)}
    dials = container(wanted.choice.image, _argv(wanted.arguments), wanted.amounts)
    stays = container(wanted.choice.image, _staying(seconds), wanted.amounts)
    if not wanted.amounts:
        dials["resources"]["requests"] |= {"memory": MEMORY}
        dials["resources"]["limits"] |= {"memory": MEMORY, "cpu": "1"}
    affinity = {"nodeAffinity": _on_nodes([client.node for client in clients]), **_alone(wanted)}
    return spec | {"affinity": affinity, "initContainers": [dials], "containers": [stays | {"name": STAY}]}


def can_run(choice: Choice) -> bool:
    """Whether the image is known to have what the shards need, which is more than a shell."""
    return choice.form == "python"


def _argv(arguments: Iterable[str]) -> list[str]:
    return [*PYTHON, shard_source(), *arguments]


def _staying(seconds: int) -> list[str]:
    # Process 1 has no default action for SIGTERM, but the pod's grace period is nought.
    return [*PYTHON, f"import time; time.sleep({seconds})"]


def _manner(clients: Sequence[Client]) -> dict[str, Any]:
    """What all of them take over: the tolerations of each, as any index may get any of the nodes."""
    tolerations = {str(one): one for client in clients for one in client.manner.get("tolerations", ())}
    others = {key: value for client in clients for key, value in client.manner.items() if key != "tolerations"}
    return others | ({"tolerations": list(tolerations.values())} if tolerations else {})


def _on_nodes(names: Sequence[str]) -> dict[str, Any]:
    """Those nodes; matchFields takes one name each (corev1 NodeSelectorTerm), and terms are alternatives."""
    real = [{"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]}]
    terms: list[dict[str, Any]] = [
        {
            "matchExpressions": real,
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}],
        }
        for name in names
    ]
    terms = terms if len(names) <= MOST_NAMED else [{"matchExpressions": real}]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}


def _alone(wanted: Wanted) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {PROBE: wanted.name}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
