"""Fixes as commands that work as printed.

Patches are strategic merge patches, kubectl's default: lists merge by their key (ports by `port`,
containers by `name`), a null removes a key (kubectl reference, patch).
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from kubectl_refused.model.evidence import Fix, PatchRequest
from kubectl_refused.model.facts import WORKLOAD
from kubectl_refused.model.objects import Metadata, Pod, Workload
from kubectl_refused.model.scene import Scene, pod_key

from .owner import source_of
from .requests import request

SHORT = {
    "Service": "svc",
    "Deployment": "deployment",
    "StatefulSet": "statefulset",
    "DaemonSet": "daemonset",
    "ReplicaSet": "replicaset",
    "Job": "job",
    "Pod": "pod",
    "ConfigMap": "configmap",
    "NetworkPolicy": "networkpolicy",
}


def named(kind: str, name: str) -> str:
    """`deployment/web`, as kubectl takes it."""
    return f"{SHORT.get(kind, kind.lower())}/{name}"


def command(scene: Scene, *words: str, namespace: str | None = None) -> str:
    """A kubectl command line for the cluster and namespace of the target, quoted for a POSIX shell."""
    return f"{scene.target.kubectl} {shlex.join(words)} -n {namespace or scene.target.namespace}"


def change(
    scene: Scene,
    kind: str,
    metadata: Metadata,
    *,
    summary: str,
    patch: dict[str, Any],
    verb: tuple[str, ...] = (),
    sent: PatchRequest | None = None,
) -> Fix:
    """A patch of one object; told as a change of its source where Helm, Argo CD, Flux or a file owns it.

    `verb` replaces `patch` by another kubectl command on the object (`scale`, `--replicas=1`); `sent` is then
    the request which that command makes.
    """
    name, namespace = named(kind, metadata.name), metadata.namespace or scene.target.namespace
    line = scene.snapshot.lines.get((kind, metadata.namespace, metadata.name))
    owner = source_of(metadata) or (f"file {line}" if line else None)
    if scene.from_files:
        return Fix(summary=f"{summary} ({name}, in {owner or name})", patch=patch, owner=owner)
    sent = sent or request(kind, namespace, metadata.name, patch)
    if owner:
        return Fix(summary=f"{summary} ({name}, in {owner})", patch=patch, owner=owner, request=sent)
    if sent is None:  # a kind of somebody's own (a Rollout) takes no strategic merge patch
        return Fix(summary=f"{summary} ({name})", patch=patch, owner=name)
    if verb:
        words: tuple[str, ...] = (verb[0], name, *verb[1:])
    else:
        words = ("patch", name, "-p", json.dumps(patch, separators=(",", ":")))
    told = command(scene, *words, namespace=namespace)
    return Fix(summary=f"{summary} ({name})", command=told, patch=patch, request=sent)


def service_change(scene: Scene, summary: str, spec: dict[str, Any]) -> Fix:
    """A change of the Service's spec."""
    assert scene.service is not None
    return change(scene, "Service", scene.service.metadata, summary=summary, patch={"spec": spec})


def workload_of(scene: Scene, pod: Pod) -> tuple[str, Metadata, Workload | None]:
    """(kind, metadata, workload) of what made the pod; the pod itself where nothing did or nobody may look."""
    if not any(o.controller for o in pod.metadata.owner_references or ()):
        return "Pod", pod.metadata, None
    workload = scene.maybe(WORKLOAD, pod_key(pod))
    if workload is None:
        return "Pod", pod.metadata, None
    return workload.kind, workload.metadata, workload


def container_change(scene: Scene, pod: Pod, container: str, summary: str, fields: dict[str, Any]) -> Fix:
    """A change of one container in the pod's workload. A bare pod's containers cannot be patched: no command."""
    kind, metadata, _ = workload_of(scene, pod)
    main = any(c.name == container for c in pod.spec.containers or ())
    listed = "containers" if main else "initContainers"
    patch = {"spec": {"template": {"spec": {listed: [{"name": container, **fields}]}}}}
    if kind == "Pod":
        where = named("Pod", pod.metadata.name)
        return Fix(summary=f"{summary} (container {container} of {where}; the pod must be made anew)")
    return change(scene, kind, metadata, summary=f"{summary}, container {container}", patch=patch)
