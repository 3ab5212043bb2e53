"""A readiness gate of the pod is not met.

Why it refuses:
    A pod with readiness gates is ready only when each of their conditions is True in its status, whatever its
    containers say. A controller outside of the pod sets them, often one of a load balancer; where it is not
    installed, or does not get on, the pod's endpoint gets no traffic.
Confirm:
    kubectl get pod POD -o wide    # READINESS GATES 0/1
Fix:
    Mend or install the controller that sets the condition, or drop the gate from the pod's template.
See:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.statuses import condition, reported


@cause("KR423", scope=Scope.POD, produces=Symptom.NOT_READY, since="0.1", needs_symptom=True)
def readiness_gate_unmet(scene: Scene) -> Iterator[Finding]:
    """Yield for the first gate that is not True while every container of the pod is ready."""
    pod = scene.pod
    containers = [r.status for r in reported(pod) if not r.init] if pod else []
    if pod is None or not containers or not all(status.ready for status in containers):
        return
    for gate in pod.spec.readiness_gates or ():
        found = condition(pod, gate.condition_type)
        if found is None or found.status != "True":
            yield _finding(scene, pod, gate.condition_type)
            return


def _finding(scene: Scene, pod: Pod, gate: str) -> Finding:
    found, subject = condition(pod, gate), f"pod/{pod.metadata.name}"
    told = f"is {found.status}" if found else "is not set"
    why = one_line(": ".join(filter(None, (found.reason, found.message)))) if found else ""
    says = f"all its containers are ready, but the condition {gate} of its readiness gate {told}"
    set_ = () if found else (c.type for c in (pod.status.conditions if pod.status else None) or ())
    near = nearest(gate, set_, least=0.8)  # a controller's condition, not one that every pod has
    miss = [nearest_miss(scene, subject, "conditionType", gate, near, f"{near} is set")] if near else []
    return Finding(
        where=subject,
        says=says + (f" ({why})" if why else ""),
        headline=f"its readiness gate {gate} is not met: the condition {told}",
        evidence=(
            field(scene, subject, "spec.readinessGates", gate, f"the readiness gate asks for {gate}"),
            field(
                scene,
                subject,
                f"status.conditions[{gate}]",
                found.status if found else None,
                f"the condition {gate} {told}" + (f": {why}" if why else ""),
            ),
            *miss,
        ),
        fix=Fix(summary=f"Mend or install the controller that sets the condition {gate}, or drop the gate"),
    )
