"""The change that lets a process without root bind a port under 1024."""

from __future__ import annotations

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene

from .change import change, named, workload_of

# A safe sysctl since Kubernetes 1.22, allowed by Pod Security restricted; not for pods on the node's network.
SYSCTL = "net.ipv4.ip_unprivileged_port_start"


def low_port_change(scene: Scene, pod: Pod, port: int) -> Fix:
    """Open the low port to everybody in the pod's own network namespace; words where that cannot be."""
    kind, metadata, _ = workload_of(scene, pod)
    if kind == "Pod" or pod.spec.host_network:
        summary = f"Listen on a port from 1024 up instead of {port}, and set targetPort to it"
        return Fix(summary=f"{summary} ({named(kind, metadata.name)})", owner=named(kind, metadata.name))
    patch = {"securityContext": {"sysctls": [{"name": SYSCTL, "value": str(min(port, 1023))}]}}
    return change(
        scene,
        kind,
        metadata,
        summary=f"Let the pod bind port {port} without root, or listen on a port from 1024 up",
        patch={"spec": {"template": {"spec": patch}}},
    )
