"""The pods that the selector means stand in another namespace.

Why it refuses:
    A Service selects pods of its own namespace only, so it has no endpoints and its ClusterIP is rejected.
Confirm:
    kubectl get pods -A -l KEY=VALUE
Fix:
    Create the Service where the pods are, and dial it as NAME.NAMESPACE.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Finding, Fix, NearestEvidence
from kubectl_refused.model.facts import PODS_ELSEWHERE, PODS_IN, WORKLOADS_IN, SelectorKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.selection import unselected


@cause(
    "KR204",
    scope=Scope.ROUTE,
    reads={PODS_IN, WORKLOADS_IN, PODS_ELSEWHERE},
    produces=Symptom.NO_ENDPOINTS,
    since="0.1",
    needs_symptom=True,
)
def pods_in_another_namespace(scene: Scene) -> Iterator[Finding]:
    """Yield when no pod here carries the selector and pods of other namespaces do."""
    namespace, ground = scene.target.namespace, unselected(scene)
    if ground is None:
        return
    selector, pods, _ = ground
    found = scene.need(PODS_ELSEWHERE, SelectorKey(tuple(sorted(selector.items()))))
    spaces = sorted({p.metadata.namespace for p in found} - {namespace})
    if not spaces:
        return
    told = ", ".join(f"{k}={v}" for k, v in sorted(selector.items()))
    there = [p for p in found if p.metadata.namespace == spaces[0]]
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"spec.selector {told} matches pods of namespace {', '.join(spaces[:3])} only",
        headline=f"its pods are in namespace {spaces[0]}, not in {namespace}",
        evidence=(
            field(scene, service_subject(scene), "spec.selector", selector, f"{told}: 0 of {len(pods)} pods here"),
            NearestEvidence(
                witness="api server",
                subject=f"namespace/{spaces[0]}",
                says=f"{len(there)} in namespace {spaces[0]}: {', '.join(p.metadata.name for p in there[:3])}",
            ),
        ),
        fix=Fix(
            summary=f"Create the Service in namespace {spaces[0]} and dial {scene.target.name}.{spaces[0]}",
            leads_to=destinations(scene, there),
        ),
    )
