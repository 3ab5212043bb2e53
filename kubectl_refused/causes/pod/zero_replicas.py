"""The workload behind the Service is scaled to zero.

Why it refuses:
    With spec.replicas 0 nobody makes pods, so the Service has no endpoints and its ClusterIP is rejected. A
    person, an autoscaler that idles workloads, or a failed hand-over leaves it so.
Confirm:
    kubectl get deployments,statefulsets -n NAMESPACE    # READY is 0/0
Fix:
    Scale it up, or find out who scaled it down.
See:
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#scaling-a-deployment
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change, named
from kubectl_refused.fixes.requests import request
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import WORKLOADS_IN, NamespaceKey
from kubectl_refused.model.objects import Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.selection import sought

_SCALED = ("Deployment", "StatefulSet", "ReplicaSet")


@cause(
    "KR205",
    scope=Scope.ROUTE,
    reads={WORKLOADS_IN},
    produces=Symptom.NO_ENDPOINTS,
    since="0.1",
    needs_symptom=True,
)
def zero_replicas(scene: Scene) -> Iterator[Finding]:
    """Yield when no pod is left and every workload whose template carries the selector has zero replicas."""
    namespace, selector = scene.target.namespace, sought(scene)
    if not selector or scene.ready_endpoints:
        return
    if any(pod.metadata.deletion_timestamp is None for pod in scene.pods):
        return
    meant = [w for w in scene.need(WORKLOADS_IN, NamespaceKey(namespace)) if _meant(w, selector)]
    if not meant or any(w.spec.replicas != 0 for w in meant):
        return
    first = meant[0]
    name = named(first.kind, first.metadata.name)
    told = ", ".join(f"{k}={v}" for k, v in sorted(selector.items()))
    patch = {"spec": {"replicas": 1}}
    yield Finding(
        where=name,
        says=f"spec.replicas is 0 in {', '.join(named(w.kind, w.metadata.name) for w in meant)}",
        headline=f"{name} is scaled to 0 replicas",
        evidence=(
            field(scene, name, "spec.replicas", 0, f"spec.replicas is 0, and its pod template carries {told}"),
        ),
        fix=change(
            scene,
            first.kind,
            first.metadata,
            summary="Scale up to 1 replica",
            patch=patch,
            verb=("scale", "--replicas=1"),
            sent=request(first.kind, namespace, first.metadata.name, patch, subresource="scale"),
        ),
    )


def _meant(workload: Workload, selector: dict[str, str]) -> bool:
    """Whether its pods would be selected. A Deployment's own ReplicaSets keep 0 after a rollout: not counted."""
    owned = any(o.controller for o in workload.metadata.owner_references or ())
    if workload.kind not in _SCALED or (owned and workload.kind == "ReplicaSet"):
        return False
    return carries(workload.spec.template.metadata.labels, selector)
