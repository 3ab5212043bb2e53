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
from kubectl_refused.model.objects import Metadata
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import OF_PODS
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
    names = _names(scene)
    meant, successor = nearest(target.name, names), _successor(scene)
    says = f"namespace {target.namespace} has no {target.kind} of that name"
    evidence: list[Evidence] = [field(scene, subject, "metadata.name", target.name, says)]
    found = f"{OF_PODS[target.kind]}/{meant}" if meant else ""
    if meant:
        told = f"{found} is the nearest name in {target.namespace}"
        evidence.append(nearest_miss(scene, f"{target.kind.lower()}/{meant}", "name", target.name, meant, told))
    port = f":{target.port}" if target.port else ""
    ask = f"{successor or found}{port}"
    yield Finding(
        where=f"namespace {target.namespace}",
        says=says,
        headline=f"there is no {target.kind} {target.name} in namespace {target.namespace}",
        evidence=tuple(evidence),
        fix=Fix(summary=f"Ask about {ask}" if ask != port else "Create it, or ask in its namespace: -n NAMESPACE"),
    )


def _names(scene: Scene) -> Sequence[str]:
    space = NamespaceKey(scene.target.namespace)
    if scene.target.kind == "Pod":
        return [pod.metadata.name for pod in scene.maybe(PODS_IN, space) or ()]
    known = scene.maybe(WORKLOADS_IN, space) or ()
    return [one.metadata.name for one in known if one.kind == scene.target.kind]


def _successor(scene: Scene) -> str:
    """`deploy/web` for a pod web-696d5cc6f7-vljtl that is gone, where that Deployment is there."""
    if scene.target.kind != "Pod":
        return ""
    owner = "-".join(scene.target.name.split("-")[:-_MADE])
    known = scene.maybe(WORKLOADS_IN, NamespaceKey(scene.target.namespace)) or ()
    made = (one.metadata for one in known if one.kind == "Deployment")
    return f"deploy/{owner}" if any(_is(one, owner) for one in made) else ""


def _is(metadata: Metadata, name: str) -> bool:
    return metadata.name == name
