"""Istio routes to a subset of the Service that no pod belongs to.

Why it refuses:
    A VirtualService leads to a subset of a DestinationRule, which is those endpoints whose pods carry its labels
    besides. Where none does, the client's sidecar answers 503 (UH, no healthy upstream), though the Service itself
    has endpoints that work.
Confirm:
    kubectl get destinationrule NAME -o jsonpath='{.spec.subsets}'
    kubectl get pods --show-labels
Fix:
    Give the subset labels that pods carry, or route to one that has pods.
See:
    https://istio.io/latest/docs/reference/config/analysis/ist0173/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import MESH
from kubectl_refused.model.mesh import Destination, DestinationRule, MeshObjects, Subset, VirtualService
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.mesh_policies import told_to
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.runtimes import mesh_of


@cause("KR507", scope=Scope.ROUTE, reads={MESH}, produces=Symptom.NO_ENDPOINTS, since="0.3")
def subset_selects_no_pod(scene: Scene) -> Iterator[Finding]:
    """Yield when a VirtualService routes to a subset of this Service whose labels none of its pods carries."""
    meshed = [pod for pod in scene.pods if (mesh := mesh_of(pod)) and mesh.name.startswith("Istio")]
    if not meshed:
        return
    told = told_to(scene, scene.target.namespace)
    for rule in told.destination_rules if told else ():
        if told is None or not _is_host(scene, rule.spec.host, rule.metadata.namespace):
            continue
        for subset in rule.spec.subsets or ():
            wanted = subset.labels or {}
            router = _routed(scene, told, subset.name)
            if router and wanted and not any(carries(pod.metadata.labels, wanted) for pod in scene.pods):
                yield _finding(scene, rule, subset, router)
                return


def _is_host(scene: Scene, host: str, namespace: str) -> bool:
    """Whether that is the Service: by its name in the same namespace, or its name in DNS."""
    name, space = scene.target.name, scene.target.namespace
    if host == name:
        return namespace == space
    return host == f"{name}.{space}" or host.startswith(f"{name}.{space}.svc")


def _routed(scene: Scene, told: MeshObjects, subset: str) -> VirtualService | None:
    """Whoever sends something to that subset."""
    for one in told.virtual_services:
        for route in (*(one.spec.http or ()), *(one.spec.tcp or ()), *(one.spec.tls or ())):
            for to in route.route or ():
                if to.weight != 0 and _is_it(scene, to.destination, subset, one.metadata.namespace):
                    return one
    return None


def _is_it(scene: Scene, to: Destination, subset: str, namespace: str) -> bool:
    return to.subset == subset and _is_host(scene, to.host, namespace)


def _finding(scene: Scene, rule: DestinationRule, subset: Subset, router: VirtualService) -> Finding:
    wanted = ", ".join(f"{key}={value}" for key, value in (subset.labels or {}).items())
    subject, by = f"destinationrule/{rule.metadata.name}", f"virtualservice/{router.metadata.name}"
    says = f"subset {subset.name} of {subject} wants {wanted}, which no pod of the Service carries"
    path = f"spec.subsets[{subset.name}].labels"
    evidence: list[Evidence] = [
        field(scene, subject, path, wanted, f"subset {subset.name} wants {wanted}"),
        field(scene, by, "spec", subset.name, f"{by} routes to subset {subset.name}"),
    ]
    summary = f"Give subset {subset.name} of {subject} labels that pods carry, or route to another ({by})"
    for key, value in (subset.labels or {}).items():
        there = [(pod.metadata.labels or {}).get(key, "") for pod in scene.pods]
        near = nearest(value, [one for one in there if one]) or (there[0] if len(set(there)) == 1 else "")
        if near and near != value:
            told = f"pods carry {key}={near}"
            evidence.append(nearest_miss(scene, subject, key, value, near, told))
            summary = f"Set {key} of subset {subset.name} of {subject} to {near}"
            break
    return Finding(
        where=subject,
        says=says,
        headline=f"{by} routes to subset {subset.name}, to which no pod belongs",
        evidence=tuple(evidence),
        fix=Fix(summary=summary),
    )
