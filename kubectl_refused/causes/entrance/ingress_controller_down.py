"""The controller of an Ingress's class is not there, or no pod of it is ready.

Why it refuses:
    An Ingress is a wish: a controller's proxy listens for it. Where no controller runs nothing listens on ports
    80 and 443 of the entrance, and connections to it are refused or time out, however well the Services behind it
    work.
Confirm:
    kubectl get pods -A -l app.kubernetes.io/name=ingress-nginx    # or your controller's labels
Fix:
    Install the controller, or mend its pods.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress-controllers/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Ingress
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import PODS_ELSEWHERE, SelectorKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.doors import class_of, is_served
from kubectl_refused.trace.ingress_controllers import pods_of
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.statuses import condition


@cause("KR804", scope=Scope.ENTRANCE, reads={PODS_ELSEWHERE}, produces=Symptom.NO_LISTENER, since="0.3")
def ingress_controller_down(scene: Scene) -> Iterator[Finding]:
    """Yield when a controller that is known by its labels has no ready pod.

    Without any pod it may carry other labels, or run outside: likely, and only where nobody gave an address.
    """
    ingress = scene.door.owner if scene.door else None
    if not isinstance(ingress, Ingress) or scene.from_files:
        return
    one = class_of(ingress, scene.snapshot)
    key = pods_of(one.spec.controller) if one else None
    if one is None or key is None:
        return
    pods = scene.maybe(PODS_ELSEWHERE, key)
    if pods is None or any(_ready(pod) for pod in pods) or (not pods and is_served(ingress)):
        return
    name = one.spec.controller
    yield Finding(
        where=f"ingressclass/{one.metadata.name}",
        says=f"{name} has {f'{len(pods)} pods, none of them ready' if pods else 'no pod in any namespace'}",
        headline=f"its controller {name} {'is not ready' if pods else 'does not run'}",
        certainty=Certainty.PROVED if pods else Certainty.LIKELY,
        evidence=tuple(_proofs(scene, one.metadata.name, name, key, pods)),
        fix=Fix(summary=_summary(name, pods)),
    )


def _proofs(scene: Scene, of_class: str, name: str, key: SelectorKey, pods: Sequence[Pod]) -> Iterator[Evidence]:
    yield field(scene, f"ingressclass/{of_class}", "spec.controller", name, f"its class {of_class} is of {name}")
    for pod in pods[:3]:
        phase = pod.status.phase if pod.status else "unknown"
        yield field(scene, f"pod/{pod.metadata.name}", "status.conditions", phase, f"is {phase} and not ready")
    if not pods:
        labels = ",".join(f"{label}={value}" for label, value in key.labels)
        yield field(scene, "pods", "metadata.labels", labels, f"no pod of any namespace carries {labels}")


def _summary(name: str, pods: Sequence[Pod]) -> str:
    if not pods:
        return f"Install the controller {name}, or name the class of one that runs"
    first = pods[0].metadata
    return f"Mend pod/{first.name} in namespace {first.namespace}, which is not ready"


def _ready(pod: Pod) -> bool:
    seen = condition(pod, "Ready")
    return seen is not None and seen.status == "True"
