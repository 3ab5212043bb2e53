"""No node takes the pod.

Why it refuses:
    The pod stays Pending: it has no node, no address and no process, so the Service has no endpoint. The
    scheduler says what keeps each node from taking it: its nodeSelector or affinity, taints, too little CPU or
    memory, a volume that is not there, a host port that is taken.
Confirm:
    kubectl describe pod POD    # the PodScheduled condition, and FailedScheduling events
Fix:
    Ask for what some node has, or make a node that has what is asked for.
See:
    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change, named, workload_of
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import condition

# What follows tells of preemption and device claims, which nobody asked about.
_TAIL = lazily(r"(?:\. | no new claims| preemption:).*", re.DOTALL)
_CLAIM = lazily(r'persistentvolumeclaim "([^"]{1,253})" not found')
_TAINT = lazily(r"untolerated taint(?:\(s\))? ?\{([^}]{1,300})\}")
_SHORT = lazily(r"Insufficient ([\w/-]{1,60}(?:\.[\w/-]{1,60}){0,6})")


@cause("KR206", scope=Scope.POD, reads={WORKLOAD}, produces=Symptom.NOT_READY, since="0.1", needs_symptom=True)
def unschedulable(scene: Scene) -> Iterator[Finding]:
    """Yield when the scheduler reports that the pod fits nowhere, with its own words."""
    pod = scene.pod
    scheduled = condition(pod, "PodScheduled") if pod else None
    if pod is None or scheduled is None or scheduled.status != "False" or pod.metadata.deletion_timestamp:
        return
    if scheduled.reason not in ("Unschedulable", "SchedulingGated"):
        return
    said = one_line(_TAIL.sub("", scheduled.message))
    headline, summary, patch = _kind_of(pod, scheduled.message)
    kind, metadata, _ = workload_of(scene, pod)
    name = named(kind, metadata.name)
    fix = Fix(summary=f"{summary} ({name})", owner=name)
    if patch and kind != "Pod":
        fix = change(scene, kind, metadata, summary=summary, patch={"spec": {"template": {"spec": patch}}})
    yield Finding(
        where=f"pod/{pod.metadata.name}",
        says=f"Pending: {said}",
        headline=headline,
        evidence=(
            field(scene, f"pod/{pod.metadata.name}", "status.conditions[PodScheduled]", scheduled.reason, said),
        ),
        fix=fix,
    )


def _kind_of(pod: Pod, message: str) -> tuple[str, str, dict[str, object] | None]:
    """(headline, summary of the fix, a patch of the pod's spec or None) for the scheduler's words.

    Messages: pkg/scheduler/framework/plugins in kubernetes, ErrReason constants. Of each node the first filter
    that fails is told: who lacks a port or CPU has passed those of selectors and taints.
    """
    if short := _SHORT.search(message):
        asked = _asked(pod, short[1])
        summary = f"Ask for less {short[1]}" + (f" than {asked}" if asked else "") + ", or add a node that has it"
        return f"no node has enough {short[1]} for its pod", summary, None
    if "free ports" in message:
        return (
            "its hostPort is taken on every node that it may run on",
            "Drop the hostPort, or choose another one",
            None,
        )
    selector = ", ".join(f"{k}={v}" for k, v in sorted((pod.spec.node_selector or {}).items()))
    if "node affinity/selector" in message and selector:
        summary = f"Drop the nodeSelector {selector} that no free node carries, or label a node so"
        return f"no node carries its nodeSelector {selector}", summary, {"nodeSelector": None}
    if "node affinity" in message:
        return "no node fits its node affinity", "Make its node affinity fit a node", None
    if claim := _CLAIM.search(message):
        name = f"PersistentVolumeClaim {claim[1]}"
        return f"its {name} does not exist", f"Create {name}", None
    if "PersistentVolumeClaim" in message or "volume" in message:
        return "its volume cannot be had on any node", "Bind its volumes, where a node can reach them", None
    if taint := _TAINT.search(message):
        told = one_line(taint[1]).replace(": ", "=", 1).rstrip("=")
        summary = f"Give it a toleration of {told}, or take the taint away"
        return f"it does not tolerate the taint {told}", summary, None
    if "gates" in message:
        return "a scheduling gate holds its pod back", "Let the controller of its scheduling gate remove it", None
    return "no node takes its pod", "Change what its pod asks of a node", None


def _asked(pod: Pod, resource: str) -> str:
    """The request of the container that asks for it, as written; empty where none does."""
    requests = ((c.resources.requests if c.resources else None) or {} for c in containers(pod))
    return next((str(r[resource]) for r in requests if resource in r), "")
