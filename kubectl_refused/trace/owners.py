"""What made a pod, as far as the pod itself and what was read already tell. Pure."""

from __future__ import annotations

from kubectl_refused.model.facts import WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene, pod_key

# The Deployment controller ends its ReplicaSets' names with this label's value (deployment/sync.go).
_HASH = "pod-template-hash"


def made_by(scene: Scene, pod: Pod | None) -> str:
    """`Deployment web`, `Job migrate`, or empty for a pod that stands for itself or is not known."""
    if pod is None:
        return ""
    known = scene.known(WORKLOAD, pod_key(pod))
    if known is not None:
        return f"{known.kind} {known.metadata.name}"
    owner = next((o for o in pod.metadata.owner_references or () if o.controller), None)
    if owner is None:
        return ""
    suffix = "-" + ((pod.metadata.labels or {}).get(_HASH) or "")
    if owner.kind == "ReplicaSet" and suffix != "-" and owner.name.endswith(suffix):
        return f"Deployment {owner.name.removesuffix(suffix)}"
    return f"{owner.kind} {owner.name}"
