"""Starting a workload's pods anew, where that mends a process for now."""

from __future__ import annotations

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene

from .change import command, named, workload_of

_ROLLED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def restart(scene: Scene, pod: Pod, summary: str) -> Fix:
    """`kubectl rollout restart`; a pod of another kind is deleted and made anew by its owner, a bare one not."""
    kind, metadata, _ = workload_of(scene, pod)
    if kind in _ROLLED:
        told = command(scene, "rollout", "restart", named(kind, metadata.name), namespace=metadata.namespace)
        return Fix(summary=f"{summary} ({named(kind, metadata.name)})", command=told)
    where = named("Pod", pod.metadata.name)
    if kind == "Pod":
        return Fix(summary=f"{summary} ({where}, which nothing makes anew)", owner=where)
    told = command(scene, "delete", where, namespace=pod.metadata.namespace)
    return Fix(summary=f"{summary} ({where})", command=told, owner=named(kind, metadata.name))
