"""No DNS server of the cluster is ready.

Why it refuses:
    Pods ask the Service kube-dns in kube-system. With none of its pods ready nobody answers: no name of the
    cluster resolves, whatever is dialled by address still works. Programs say "temporary failure in name
    resolution" (glibc's EAI_AGAIN), which is not "no such name".
Confirm:
    kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide; kubectl logs -n kube-system -l k8s-app=kube-dns
Fix:
    Get CoreDNS running again: scale it up, or mend what its log says (a bad Corefile, a loop, missing rights).
See:
    https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change, named
from kubectl_refused.fixes.requests import request
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import LOOKUP, PODS_IN, SERVICES_IN, WORKLOADS_IN, NamespaceKey
from kubectl_refused.model.objects import Labels, Pod, Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.name_service import (
    NAME,
    SYSTEM,
    failed_lookup,
    lookup_proof,
    name_servers,
    ready,
    unanswered,
)
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import reported


@cause(
    "KR104",
    scope=Scope.ROUTE,
    reads={LOOKUP, PODS_IN, SERVICES_IN, WORKLOADS_IN},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def name_servers_down(scene: Scene) -> Iterator[Finding]:
    """Yield when the name was asked for, nobody answered, and no pod behind kube-dns is ready."""
    lookup = failed_lookup(scene)
    if lookup is None or not unanswered(lookup):
        return
    behind = name_servers(scene)
    if behind is None or any(ready(pod) for pod in behind[1]):
        return
    service, pods = behind
    selector = service.spec.selector or {}
    told = _told(pods, selector)
    yield Finding(
        where=f"svc/{NAME} of namespace {SYSTEM}",
        says=told,
        headline=f"no name resolves: {told}",
        evidence=(
            field(scene, f"service/{NAME}", "spec.selector", selector, f"{NAME} of {SYSTEM}: {told}"),
            lookup_proof(scene, lookup),
        ),
        fix=_fix(scene, selector, pods),
    )


def _told(pods: Iterable[Pod], selector: Labels) -> str:
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    states = [f"{pod.metadata.name} is {_state(pod)}" for pod in pods]
    if not states:
        return f"there is no pod with {labels}, which {NAME} selects"
    return f"none of the {len(states)} pods behind {NAME} is ready ({'; '.join(states[:3])})"


def _state(pod: Pod) -> str:
    """CrashLoopBackOff, Pending, or whatever keeps it from serving, in one word."""
    waits = (r.status.state.waiting for r in reported(pod))
    reason = next((wait.reason for wait in waits if wait and wait.reason), "")
    return one_line(reason or (pod.status.phase if pod.status else "") or "unknown")


def _fix(scene: Scene, selector: Labels, pods: tuple[Pod, ...]) -> Fix:
    workloads = scene.maybe(WORKLOADS_IN, NamespaceKey(SYSTEM)) or ()
    made = next((w for w in workloads if carries(w.spec.template.metadata.labels, selector)), None)
    if made is not None and made.spec.replicas == 0:
        return _scale(scene, made)
    name = f" ({named(made.kind, made.metadata.name)} in {SYSTEM})" if made else ""
    what = f"what its log and events say of {pods[0].metadata.name}" if pods else "why it has no pods"
    return Fix(summary=f"Get the DNS servers running{name}: mend {what}")


def _scale(scene: Scene, made: Workload) -> Fix:
    patch = {"spec": {"replicas": 2}}
    return change(
        scene,
        made.kind,
        made.metadata,
        summary="Scale up to 2 replicas",
        patch=patch,
        verb=("scale", "--replicas=2"),
        sent=request(made.kind, SYSTEM, made.metadata.name, patch, subresource="scale"),
    )
