"""A container uses more memory than it may, and is killed.

Why it refuses:
    The kernel kills a process that would use more memory than the limit of its container (or than the node has).
    The kubelet starts the container anew after a pause that grows to five minutes; until then, and until the
    server listens again, nobody answers. Its own log ends in the middle: it was not let say anything.
Confirm:
    kubectl get pod POD -o jsonpath='{.status.containerStatuses[*].lastState.terminated.reason}'    # OOMKilled
Fix:
    Raise the memory limit, or make the app use less.
See:
    https://kubernetes.io/docs/tasks/configure-pod-container/assign-memory-resource/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import container_change, named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.crashes import down
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import Reported, reported

_QUANTITY = lazily(r"(\d+)([A-Za-z]*)")


@cause(
    "KR411",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces={Symptom.NOT_READY, Symptom.NO_LISTENER, Symptom.CRASH},
    since="0.2",
    needs_symptom=True,
)
def memory_limit_exceeded(scene: Scene) -> Iterator[Finding]:
    """Yield for the first container whose last end was OOMKilled and that is down, or has hardly come back."""
    pod = scene.pod
    if pod is None:
        return
    for container in reported(pod):
        ended = container.last_exit
        certainty = down(scene, container) if ended and ended.reason == "OOMKilled" else None
        if certainty:
            yield _finding(scene, pod, container, certainty)
            return


def _finding(scene: Scene, pod: Pod, container: Reported, certainty: Certainty) -> Finding:
    limit, subject, name = _limit(pod, container), f"pod/{pod.metadata.name}", container.shown
    restarts = container.status.restart_count
    times = f", restarted {restarts} time{'' if restarts == 1 else 's'}" if restarts else ""
    state = f"{container.field}.lastState.terminated.reason"
    evidence: list[Evidence] = [field(scene, subject, state, "OOMKilled", f"{name} was OOMKilled{times}")]
    if limit:
        path = f"spec.containers[{container.status.name}].resources.limits.memory"
        evidence.append(field(scene, subject, path, limit, f"its memory limit is {limit}"))
    more = f"more than its memory limit of {limit}" if limit else "memory that its node does not have"
    return Finding(
        where=f"{name} of {subject}",
        says=f"{name} was killed: it used {more}",
        headline=f"{name} runs out of memory" + (f": its limit is {limit}" if limit else " on its node"),
        certainty=certainty,
        evidence=tuple(evidence),
        fix=_fix(scene, pod, container, limit),
    )


def _limit(pod: Pod, container: Reported) -> str:
    """The memory limit as written, empty for a container without one."""
    every = (*containers(pod), *(pod.spec.init_containers or ()))
    limits = (
        (c.resources.limits if c.resources else None) or {} for c in every if c.name == container.status.name
    )
    return next((str(found["memory"]) for found in limits if "memory" in found), "")


def _fix(scene: Scene, pod: Pod, container: Reported, limit: str) -> Fix:
    """Twice the limit: a guess that the summary tells as one."""
    quantity = _QUANTITY.fullmatch(limit)
    name = container.status.name
    if quantity and not container.init:
        more = f"{2 * int(quantity[1])}{quantity[2]}"
        summary = f"Raise the memory limit above {limit}, say to {more}, or make the app use less"
        return container_change(scene, pod, name, summary, {"resources": {"limits": {"memory": more}}})
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    if limit:
        return Fix(summary=f"Raise the memory limit of {container.shown} above {limit} ({owner})", owner=owner)
    where = pod.spec.node_name or "its node"
    return Fix(
        summary=f"Give {where} more memory or fewer pods, and {container.shown} a request that it needs ({owner})",
        owner=owner,
    )
