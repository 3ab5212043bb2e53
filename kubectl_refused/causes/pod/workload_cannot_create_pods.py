"""The API server does not let the workload create its pods.

Why it refuses:
    A ReplicaSet or StatefulSet may exist for long without a single pod: each that it wants to create is turned
    away, as its service account does not exist, a ResourceQuota is used up, a LimitRange or Pod Security does
    not allow it, or an admission webhook denies it or does not answer. There is no pod to look at.
Confirm:
    kubectl describe replicaset -l KEY=VALUE    # FailedCreate, with the API server's words
Fix:
    Do what the message asks for: create the account, raise the quota, change the pod template.
See:
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command, named
from kubectl_refused.model.evidence import EventEvidence, Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS_OF, WORKLOADS_IN, NamespaceKey, WorkloadKey
from kubectl_refused.model.objects import Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.selection import sought

LONGEST = 300
# The admission plugins' words: serviceaccount, resourcequota, limitranger, podsecurity, webhook.
_ACCOUNT = lazily(r'serviceaccount "([a-z0-9.-]{1,253})" not found')
_QUOTA = lazily(r"(?:exceeded|failed) quota: ([a-z0-9.-]{1,253})")
_LIMITS = lazily(
    r"(?:minimum|maximum) [\w/.-]+ usage per (?:Container|Pod)|(?:min|max)imum limit to request ratio"
)
_SECURITY = lazily(r'violates PodSecurity "([^"]{1,100})"')
_WEBHOOK = lazily(r'(?:admission webhook|failed calling webhook) "([^"]{1,253})"')
_BEGINNING = lazily(
    r'^.*?pods? "?[a-z0-9.-]{1,253}"? is forbidden: |^create Pod \S+ in \S+ failed error: |^Error creating: '
)


@cause(
    "KR231",
    scope=Scope.ROUTE,
    reads={WORKLOADS_IN, EVENTS_OF},
    produces=Symptom.NO_ENDPOINTS,
    since="0.2",
    needs_symptom=True,
)
def workload_cannot_create_pods(scene: Scene) -> Iterator[Finding]:
    """Yield when no pod is there and a workload that should make them is not let."""
    selector = sought(scene)
    if not selector or scene.ready_endpoints or scene.from_files:
        return
    if any(pod.metadata.deletion_timestamp is None for pod in scene.pods):
        return
    for workload in scene.need(WORKLOADS_IN, NamespaceKey(scene.target.namespace)):
        labels = workload.spec.template.metadata.labels
        if workload.spec.replicas == 0 or not carries(labels, selector):
            continue
        denied = _denied(scene, workload)
        if denied:
            yield _finding(scene, workload, *denied)
            return


def _denied(scene: Scene, workload: Workload) -> tuple[str, Evidence] | None:
    """The API server's words, and who passes them on: a Deployment's condition, a StatefulSet's last event."""
    name = named(workload.kind, workload.metadata.name)
    for found in workload.status.conditions or ():
        if found.type == "ReplicaFailure" and found.status == "True" and found.reason == "FailedCreate":
            said = one_line(found.message, LONGEST)
            return said, field(scene, name, "status.conditions[ReplicaFailure]", found.reason, said)
    if workload.kind != "StatefulSet":
        return None
    key = WorkloadKey(workload.metadata.namespace, workload.kind, workload.metadata.name)
    failed = [e for e in scene.maybe(EVENTS_OF, key) or () if e.reason == "FailedCreate"]
    if not failed:
        return None
    said = one_line(failed[-1].message, LONGEST)
    return said, EventEvidence(witness="event", subject=name, says=f"FailedCreate: {said}", reason="FailedCreate")


def _finding(scene: Scene, workload: Workload, said: str, proof: Evidence) -> Finding:
    name = named(workload.kind, workload.metadata.name)
    why = _BEGINNING.sub("", said)
    what, fix = _what(scene, name, why)
    wanted = (
        f"spec.replicas is {1 if workload.spec.replicas is None else workload.spec.replicas}, and there is no pod"
    )
    return Finding(
        where=name,
        says=f"{name} may not create its pods: {why}",
        headline=f"{name} may not create its pods: {what}",
        evidence=(proof, field(scene, name, "spec.replicas", workload.spec.replicas, wanted)),
        fix=fix,
    )


def _what(scene: Scene, name: str, why: str) -> tuple[str, Fix]:
    """(the reason in a few words, the change)."""
    if account := _ACCOUNT.search(why):
        line = command(scene, "create", "serviceaccount", account[1])
        fix = Fix(summary=f"Create serviceaccount {account[1]}, or name another in {name}", command=line)
        return f"its service account {account[1]} does not exist", fix
    if quota := _QUOTA.search(why):
        asks = "give its containers the requests and limits it asks for" if "must specify" in why else "raise it"
        return f"resourcequota {quota[1]} forbids it", Fix(
            summary=f"Free some of resourcequota/{quota[1]}, or {asks} ({name})", owner=name
        )
    if _LIMITS.search(why):
        return "a LimitRange forbids it", Fix(
            summary=f"Keep the resources of {name} within the LimitRange", owner=name
        )
    if level := _SECURITY.search(why):
        cure = f"Make the pod template of {name} fit Pod Security {level[1]}"
        return f"its namespace enforces Pod Security {level[1]}", Fix(summary=cure, owner=name)
    if webhook := _WEBHOOK.search(why):
        down = "failed calling" in why
        cure = (
            f"Mend the admission webhook {webhook[1]}, which does not answer"
            if down
            else f"Do what {webhook[1]} asks for"
        )
        return f"admission webhook {webhook[1]} {'does not answer' if down else 'denies it'}", Fix(
            summary=f"{cure} ({name})", owner=name
        )
    return one_line(why, 80), Fix(
        summary=f"Change what the API server does not allow in {name}: {why}", owner=name
    )
