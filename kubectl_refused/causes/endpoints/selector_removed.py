"""The Service lost its selector, and the endpoints of former pods stayed.

Why it refuses:
    Without a selector no controller cares for the Service's EndpointSlices any more, and none removes them: they
    keep the pods of that moment, and the Endpoints object left behind is even mirrored into a second slice
    (kubernetes issue 111929; both seen). Connections go on to addresses whose pods are gone: no host answers
    there, or a stranger does that has the address by now. All works until the pods are replaced.
Confirm:
    kubectl get endpointslices,endpoints -o wide    # slices of the Service, while its spec.selector is empty
Fix:
    Give the Service its selector back; its slices are then kept again.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.fixes.endpoint_slice import CONTROLLER, writer
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HOLDER, PODS_IN, WORKLOADS_IN, NamespaceKey
from kubectl_refused.model.objects import EndpointSlice, Labels, Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.departed import departed, departure
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.proofs import field, service_subject


@cause(
    "KR202",
    scope=Scope.ROUTE,
    reads={HOLDER, PODS_IN, WORKLOADS_IN},
    produces={Symptom.SILENCE, Symptom.RST, Symptom.REJECT},
    since="0.2",
    needs_symptom=True,
)
def selector_removed(scene: Scene) -> Iterator[Finding]:
    """Yield when there is no selector, and slices that a selector once made list pods that are gone."""
    service = scene.service
    if scene.from_files or service is None or service.spec.selector:
        return
    made = [s for s in scene.slices if _by_selector(s)]
    gone = list(departed(scene)) if made else []
    if not gone:
        return
    names = list(dict.fromkeys(f"pod/{e.target_name}" for e, _ in gone))
    told = ", ".join(names[:3])
    kept = f"endpointslice/{made[0].metadata.name}"
    subject = service_subject(scene)
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"spec.selector is empty; its slices still list {told}, now gone",
        headline="its selector was removed, and its endpoints are pods that are gone",
        evidence=(
            field(scene, subject, "spec.selector", None, "spec.selector is empty"),
            field(scene, kept, "metadata.labels", made[0].metadata.labels, "it was made for a selector"),
            *(departure(scene, endpoint, holder) for endpoint, holder in gone[:2]),
        ),
        fix=_fix(scene, gone[0][0].target_name),
    )


def _by_selector(part: EndpointSlice) -> bool:
    """Whether a controller made it for a selector, or mirrors Endpoints that one made."""
    mark = (part.metadata.labels or {}).get("endpoints.kubernetes.io/managed-by")
    return writer(part) == CONTROLLER or mark == "endpoint-controller"


def _fix(scene: Scene, pod: str) -> Fix:
    """The selector of the workload that made the pod which is gone, as far as its name tells."""
    workloads = scene.maybe(WORKLOADS_IN, NamespaceKey(scene.target.namespace)) or ()
    labels = next(
        (found for w in workloads if pod.startswith(f"{w.metadata.name}-") and (found := _labels(w))), None
    )
    if labels is None:
        return Fix(summary=f"Give svc/{scene.target.name} the selector that it had")
    pods = scene.maybe(PODS_IN, NamespaceKey(scene.target.namespace)) or ()
    told = ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
    fix = service_change(scene, f"Select {told} again", {"selector": labels})
    return replace(fix, leads_to=destinations(scene, [p for p in pods if carries(p.metadata.labels, labels)]))


def _labels(workload: Workload) -> Labels | None:
    selector = workload.spec.selector
    return selector.match_labels if selector else None
