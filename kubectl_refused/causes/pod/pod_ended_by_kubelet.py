"""The kubelet has ended the pod, and nobody makes another.

Why it refuses:
    A pod that is evicted (its node runs out of memory or disk, it fills its own volume), that outlives its
    deadline, whose node shuts down, or that its node does not admit after all is Failed for good: its containers
    are not started again. A ReplicaSet makes another one; a bare pod stays as it is, and the Service has no
    endpoint.
Confirm:
    kubectl get pod POD -o jsonpath='{.status.phase} {.status.reason}: {.status.message}'
Fix:
    Take away the reason, and make the pod anew, best by a Deployment.
See:
    https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command, named
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.owners import made_by
from kubectl_refused.trace.proofs import field

# Reasons that the kubelet, or the node controller for it, gives a pod (pkg/kubelet: eviction, nodeshutdown,
# lifecycle/predicate.go, active_deadline.go); OutOf… stands before a resource's name.
_WORDS = {
    "Evicted": "was evicted",
    "Preempting": "was ended for a pod that its node cannot do without",
    "DeadlineExceeded": "outlived its activeDeadlineSeconds",
    "Terminated": "was ended when its node shut down",
    "Shutdown": "was ended when its node shut down",
    "NodeShutdown": "was not admitted: its node shuts down",
    "NodeLost": "was given up with its node",
    "NodeAffinity": "was not admitted: its node does not fit its node selector",
    "UnexpectedAdmissionError": "was not admitted by its node",
}
_RAISE = "resources that it needs, or a node that has them"


@cause("KR209", scope=Scope.POD, produces=Symptom.NO_ENDPOINTS, since="0.2", needs_symptom=True)
def pod_ended_by_kubelet(scene: Scene) -> Iterator[Finding]:
    """Yield for a pod that was ended as a whole, where no other pod that is alive is selected."""
    pod = scene.pod
    if pod is None or pod.status is None or pod.status.phase != "Failed" or any(_alive(p) for p in scene.pods):
        return
    reason = pod.status.reason
    words = _WORDS.get(reason) or (f"was not admitted: {reason}" if reason.startswith("OutOf") else "")
    if not words:
        return  # its containers ended by themselves
    subject, message = f"pod/{pod.metadata.name}", one_line(pod.status.message.strip().rstrip("."))
    told = f"{reason}: {message}" if message else reason
    yield Finding(
        where=subject,
        says=f"{subject} {words} ({message})" if message else f"{subject} {words}",
        headline=f"its pod {words}, and no other takes its place",
        evidence=(
            field(scene, subject, "status.phase", "Failed", "its phase is Failed: it is not started again"),
            field(scene, subject, "status.reason", reason, told),
        ),
        fix=_fix(scene, pod, reason),
    )


def _alive(pod: Pod) -> bool:
    """Whether it runs or may yet run."""
    phase = pod.status.phase if pod.status else ""
    return phase not in ("Failed", "Succeeded") and pod.metadata.deletion_timestamp is None


def _fix(scene: Scene, pod: Pod, reason: str) -> Fix:
    cure = _RAISE if reason == "Evicted" or reason.startswith("OutOf") else "what its reason asks for"
    owner = made_by(scene, pod)
    if not owner:
        again = f"Make {named('Pod', pod.metadata.name)} anew with {cure}"
        return Fix(summary=f"{again}, best by a Deployment, which replaces what is ended")
    line = command(scene, "delete", "pod", pod.metadata.name, namespace=pod.metadata.namespace)
    return Fix(summary=f"Let {owner} make another pod, with {cure}", command=line, owner=owner)
