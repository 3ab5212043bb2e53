"""The EndpointSlices do not follow the pods.

Why it refuses:
    Nodes forward to what the slices say. Where the controller that writes them is down, or may not write (a quota
    on EndpointSlices, a webhook), a pod that is ready gets no traffic, and the address of one that is gone still
    does (kubernetes issues 85725 and 82494). A slice that a person wrote follows no pod at all. The controller
    tells in an event of the Service why it could not write; one that is down tells nothing.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME; kubectl describe svc NAME    # its events
Fix:
    Lift what keeps the controller from writing, or bring it back (kube-controller-manager).
See:
    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command
from kubectl_refused.fixes.endpoint_slice import CONTROLLER, writer
from kubectl_refused.model.evidence import Certainty, EventEvidence, Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS_OF, HANDSHAKE, HOLDER, WorkloadKey
from kubectl_refused.model.objects import Event, Pod
from kubectl_refused.model.observation import Holder, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.departed import departed, departure
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.statuses import condition, seconds

# Slices follow within a second; on large and busy clusters it takes some more (seconds).
FOLLOWS_WITHIN = 20.0
FAILED = "FailedToUpdateEndpointSlices"  # endpointslice_controller.go
LONGEST = 200


@cause(
    "KR224",
    scope=Scope.ROUTE,
    reads={HOLDER, HANDSHAKE, EVENTS_OF},
    produces={Symptom.NO_ENDPOINTS, Symptom.SILENCE, Symptom.RST},
    since="0.2",
    needs_symptom=True,
)
def endpoint_slices_stale(scene: Scene) -> Iterator[Finding]:
    """Yield when nothing but pods missing in the slices could serve, or a slice lists a pod that is gone."""
    if scene.from_files or scene.service is None or scene.port is None:
        return
    missing = _missing(scene)
    if missing:
        yield _unlisted(scene, missing)
    for endpoint, holder in _gone(scene):
        yield _left_over(scene, endpoint, holder)


def _missing(scene: Scene) -> list[Pod]:
    """Pods that have long been ready and are not in the slices as such, where no endpoint gets traffic."""
    if scene.ready_endpoints or not scene.snapshot.read("EndpointSlice", scene.target.namespace):
        return []
    listed = {e.address for e in scene.endpoints if e.ready or e.terminating}
    return [pod for pod in scene.pods if _long_ready(scene, pod) and not _addresses(scene, pod) & listed]


def _long_ready(scene: Scene, pod: Pod) -> bool:
    ready = condition(pod, "Ready")
    since = seconds(ready.last_transition_time) if ready and ready.status == "True" else None
    if since is None or pod.metadata.deletion_timestamp or not _addresses(scene, pod):
        return False
    return scene.snapshot.taken - since > FOLLOWS_WITHIN


def _addresses(scene: Scene, pod: Pod) -> set[str]:
    """The pod's addresses in the path's family."""
    status = pod.status
    given = {status.pod_ip or "", *(each.ip for each in status.pod_ips or ())} if status else set()
    return {one for one in given if one and (":" in one) == (scene.family == "IPv6")}


def _gone(scene: Scene) -> Iterator[tuple[Endpoint, Holder]]:
    """Endpoints of pods that are gone and that do not accept; those of a Service without selector are KR202's.

    Where another pod has the address by now, that is KR422's to say.
    """
    kept = {s.metadata.name for s in scene.slices if writer(s) == CONTROLLER}
    assert scene.service is not None
    for endpoint, holder in departed(scene):
        if holder.kind == "Pod" or (endpoint.slice_name in kept and not scene.service.spec.selector):
            continue
        seen = scene.at_endpoint(endpoint).dialled
        if seen is None or seen.outcome is not Outcome.ACCEPTED:
            yield endpoint, holder


def _unlisted(scene: Scene, missing: Sequence[Pod]) -> Finding:
    subject, events = service_subject(scene), _failures(scene)
    names = ", ".join(p.metadata.name for p in missing[:3])
    addresses = ", ".join(sorted(a for p in missing for a in _addresses(scene, p))[:3])
    ready = condition(missing[0], "Ready")
    since = ready.last_transition_time if ready else None
    because = f": {_because(events[-1]).partition(',')[0]}" if events else ""
    pods = f"{len(missing)} ready pods are" if len(missing) > 1 else "a ready pod is"
    remedy = f"Lift what keeps the EndpointSlice controller from writing{because}"
    return Finding(
        where=subject,
        says=f"{names} is ready since {since}; no EndpointSlice of the Service has {addresses}",
        headline=f"{pods} missing in its EndpointSlices{because}",
        evidence=(
            field(scene, f"pod/{missing[0].metadata.name}", "status.conditions", since, f"Ready since {since}"),
            field(scene, f"endpointslices of {subject}", "endpoints", None, f"none has {addresses}"),
            *_told(subject, events),
        ),
        fix=Fix(
            summary=f"{remedy}{because}" if events else "Bring kube-controller-manager back; its log tells why"
        ),
    )


def _left_over(scene: Scene, endpoint: Endpoint, holder: Holder) -> Finding:
    source = f"endpointslice/{endpoint.slice_name}"
    by_hand = all(writer(s) != CONTROLLER for s in scene.slices if s.metadata.name == endpoint.slice_name)
    events = [] if by_hand else _failures(scene)
    return Finding(
        where=source,
        says=f"{source} lists {endpoint.address} of pod/{endpoint.target_name}, which is gone",
        headline=f"its endpoint {endpoint.address} is of pod/{endpoint.target_name}, which is gone",
        certainty=Certainty.PROVED if by_hand or events else Certainty.LIKELY,
        evidence=(departure(scene, endpoint, holder), *_told(service_subject(scene), events)),
        fix=_without(scene, endpoint.slice_name) if by_hand else Fix(summary="Bring kube-controller-manager back"),
    )


def _without(scene: Scene, name: str) -> Fix:
    """A slice by hand beside a selector is one too many; else it is all there is, and must be written anew."""
    assert scene.service is not None
    if scene.service.spec.selector:
        line = command(scene, "delete", f"endpointslice/{name}")
        return Fix(summary=f"Delete endpointslice/{name}: the selector has slices of its own", command=line)
    return Fix(summary=f"Write the addresses of today into endpointslice/{name}, or give the Service a selector")


def _failures(scene: Scene) -> list[Event]:
    """Events in which the controller tells that it could not write, the latest last."""
    key = WorkloadKey(scene.target.namespace, "Service", scene.target.name)
    return [e for e in scene.maybe(EVENTS_OF, key) or () if e.reason == FAILED]


def _told(subject: str, events: Sequence[Event]) -> list[Evidence]:
    return [
        EventEvidence(witness="event", subject=subject, says=f"{e.reason}: {_because(e)}", reason=e.reason)
        for e in events[-1:]
    ]


def _because(event: Event) -> str:
    """The API server's own words, without the names of what was to be written."""
    return one_line(event.message.partition(" is forbidden: ")[2] or event.message, LONGEST)
