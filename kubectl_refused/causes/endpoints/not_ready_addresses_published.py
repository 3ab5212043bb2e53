"""The Service sends traffic to pods that are not ready, as it is told to.

Why it refuses:
    With publishNotReadyAddresses: true every selected pod is an endpoint that counts as ready, one that has not
    started, fails its readiness probe or is on its way out too. A share of the connections goes there and is
    refused, while the ready pods answer the rest. The field is meant for peers that look for each other by DNS.
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.publishNotReadyAddresses}'; kubectl get pods -l KEY=VALUE
Fix:
    Take publishNotReadyAddresses away; give peers a headless Service of their own.
See:
    https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change, workload_of
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.proofs import field, packet, service_subject
from kubectl_refused.trace.statuses import condition


@cause(
    "KR221",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, WORKLOAD},
    produces={Symptom.RST, Symptom.NO_LISTENER, Symptom.NOT_READY},
    since="0.2",
    needs_symptom=True,
)
def not_ready_addresses_published(scene: Scene) -> Iterator[Finding]:
    """Yield for an endpoint whose pod is not ready and does not accept, while others would do."""
    service, pod = scene.service, scene.pod
    if service is None or not service.spec.publish_not_ready_addresses or pod is None or _ready(pod) is not False:
        return
    if not any(e.pod and _ready(e.pod) for e in scene.ready_endpoints):
        return  # without it there would be no endpoint at all: why the pods are not ready is the fault
    failed = scene.dialled
    if failed is None or failed.outcome is Outcome.ACCEPTED:
        return
    subject, name = service_subject(scene), f"pod/{pod.metadata.name}"
    found = condition(pod, "Ready")
    why = one_line(": ".join(filter(None, (found.reason, found.message)))) if found else ""
    unready = f"{name} is not ready" + (f" ({why})" if why else "")
    unready_pods = sum(1 for e in scene.ready_endpoints if e.pod and _ready(e.pod) is False)
    yield Finding(
        where=name,
        says=f"publishNotReadyAddresses is true; {name} is not ready, and gets traffic",
        headline=f"it sends traffic to pods that are not ready: {unready_pods} of {len(scene.ready_endpoints)}",
        certainty=Certainty.PROVED if failed.first_hand else Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.publishNotReadyAddresses", True, "spec.publishNotReadyAddresses is true"),
            field(scene, name, "status.conditions[Ready]", found.status if found else None, unready),
            packet(scene, failed),
        ),
        fix=_fix(scene, pod),
    )


def _ready(pod: Pod) -> bool | None:
    """The kubelet's word; None where there is none yet."""
    found = condition(pod, "Ready")
    return None if found is None else found.status == "True"


def _fix(scene: Scene, pod: Pod) -> Fix:
    """What a StatefulSet's own Service publishes its peers may need: then clients need another Service."""
    kind, metadata, workload = workload_of(scene, pod)
    if kind == "StatefulSet" and workload and workload.spec.service_name == scene.target.name:
        summary = (
            f"Give clients another Service, without publishNotReadyAddresses: statefulset/{metadata.name} names"
        )
        return Fix(summary=f"{summary} {service_subject(scene)} for its peers")
    return service_change(scene, "Set publishNotReadyAddresses to false", {"publishNotReadyAddresses": False})
