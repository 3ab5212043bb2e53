"""There is no pod or workload of that name in the namespace.

Why it refuses:
    Nothing has an address to dial. A pod that a workload made gets another name each time it is made anew, so a
    name from an old log or an old shell is soon nobody's.
Confirm:
    kubectl get pods,deployments,statefulsets,daemonsets -n NAMESPACE    # none of that name
Fix:
    Ask for it by its right name and namespace; for pods that come and go, ask about their workload.
See:
    https://kubernetes.io/docs/concepts/workloads/pods/#pods-and-controllers
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import PODS_IN, WORKLOADS_IN, NamespaceKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import OF_PODS, TargetKind
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss

_MADE = 2  # parts of a pod's name that its ReplicaSet and its Deployment's template gave it


@cause("KR851", scope=Scope.ROUTE, reads={PODS_IN, WORKLOADS_IN}, produces=Symptom.NO_NAME, since="0.3")
def no_such_pod_or_workload(scene: Scene) -> Iterator[Finding]:
    """Yield when what was asked about was looked for and is not there, with the nearest name of its kind."""
    target, snapshot = scene.target, scene.snapshot
    key, subject = (target.kind, target.namespace, target.name), f"{target.kind.lower()}/{target.name}"
    if not target.is_of_pods or key in snapshot.objects or not snapshot.read(target.kind, target.namespace):
        return
    meant, told = _meant(scene)
    says = f"namespace {target.namespace} has no {target.kind} of that name"
    evidence: list[Evidence] = [field(scene, subject, "metadata.name", target.name, says)]
    if meant:
        found = meant.partition("/")[2]
        evidence.append(nearest_miss(scene, meant, "name", target.name, found, f"{meant} {told}"))
    port = f":{target.port}" if target.port else ""
    yield Finding(
        where=f"namespace {target.namespace}",
        says=says,
        headline=f"there is no {target.kind} {target.name} in namespace {target.namespace}",
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Ask about {meant}{port}" if meant else "Create it, or ask in its namespace: -n NAMESPACE"
        ),
    )


def _meant(scene: Scene) -> tuple[str, str]:
    """(`deploy/web`, why): what has the name in another kind, made pods of that name, or has the nearest name."""
    target, names = scene.target, dict(_names(scene))
    if same := next((kind for kind, found in names.items() if target.name in found), None):
        return f"{OF_PODS[same]}/{target.name}", "has that name"
    owner = "-".join(target.name.split("-")[:-_MADE])
    if target.kind == "Pod" and owner in names.get("Deployment", ()):
        return f"deploy/{owner}", "makes pods of such names"
    near = nearest(target.name, names.get(target.kind, ()))
    return (f"{OF_PODS[target.kind]}/{near}", "is the nearest name") if near else ("", "")


def _names(scene: Scene) -> Iterator[tuple[TargetKind, Sequence[str]]]:
    """What there is of each kind in the namespace."""
    space = NamespaceKey(scene.target.namespace)
    known = scene.maybe(WORKLOADS_IN, space) or ()
    yield "Pod", [pod.metadata.name for pod in scene.maybe(PODS_IN, space) or ()]
    for kind in OF_PODS:
        if kind != "Pod":
            yield kind, [one.metadata.name for one in known if one.kind == kind]
