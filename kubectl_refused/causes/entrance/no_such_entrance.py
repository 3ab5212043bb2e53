"""There is no Ingress, Gateway or route of that name in the namespace.

Why it refuses:
    Nobody told a controller to serve that host and path. What a client sees depends on what else the controller
    serves: its default answer (404), or nothing listens at all.
Confirm:
    kubectl get ingress,gateway,httproute -A
Fix:
    Ask for it by its right name and namespace, or create it.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/
    https://gateway-api.sigs.k8s.io/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import ENTRANCES_IN, KindKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import ADDRESSED, CALLED
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss


@cause("KR801", scope=Scope.ENTRANCE, reads={ENTRANCES_IN}, produces=Symptom.NO_NAME, since="0.3")
def no_such_entrance(scene: Scene) -> Iterator[Finding]:
    """Yield when it was looked for and is not there, with the nearest name."""
    target, snapshot = scene.target, scene.snapshot
    if (
        scene.door is not None
        or target.kind in (*CALLED, *ADDRESSED)
        or not snapshot.read(target.kind, target.namespace)
    ):
        return
    if (target.kind, target.namespace, target.name) in snapshot.objects:
        return
    names = scene.maybe(ENTRANCES_IN, KindKey(target.namespace, target.kind)) or ()
    meant = nearest(target.name, names)
    says = f"namespace {target.namespace} has no {target.kind} {target.name}"
    evidence: list[Evidence] = [field(scene, str(target), "metadata.name", target.name, says)]
    if meant:
        told = f"{target.kind.lower()}/{meant} is the nearest name in {target.namespace}"
        evidence.append(nearest_miss(scene, f"{target.kind.lower()}/{meant}", "name", target.name, meant, told))
    create = f"create the {target.kind} {target.name}"
    yield Finding(
        where=f"namespace {target.namespace}",
        says=says,
        headline=f"there is no {target.kind} {target.name} in namespace {target.namespace}",
        evidence=tuple(evidence),
        fix=Fix(summary=f"Ask about {target.kind.lower()}/{meant}, or {create}" if meant else f"C{create[1:]}"),
    )
