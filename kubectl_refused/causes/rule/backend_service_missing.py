"""A rule of an Ingress or a route leads to a Service that does not exist.

Why it refuses:
    The controller finds nothing to send requests to, and answers itself: 503 by ingress-nginx and HAProxy, 404 by
    Traefik, which leaves the rule out, and 500 for a route of the Gateway API, as its specification asks. An
    Ingress may only name Services of its own namespace, so one that stands in another is as good as none.
Confirm:
    kubectl describe ingress NAME    # error: services "…" not found
Fix:
    Name the Service as it is called, or create it.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource
    https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.entrance import door_change
from kubectl_refused.model.entrances import Door, Route
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import SERVICES_IN, NamespaceKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.doors import service_behind, was_looked_for
from kubectl_refused.trace.entrances import entrance_subject, name_field
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss


@cause("KR811", scope=Scope.ENTRANCE, reads={SERVICES_IN}, produces=Symptom.NO_NAME, since="0.3")
def backend_service_missing(scene: Scene) -> Iterator[Finding]:
    """Yield when the Service behind a door was looked for and is not there, with the nearest name."""
    door = scene.door
    if door is None or door.kind != "Service" or service_behind(door, scene.snapshot) is not None:
        return
    if not was_looked_for(door, scene.snapshot):
        return
    here = scene.maybe(SERVICES_IN, NamespaceKey(door.namespace))
    meant = nearest(door.service, (s.metadata.name for s in here or ()))
    subject = entrance_subject(door.owner)
    says = (
        f"rule {door.rule} leads to {door.backend}, and namespace {door.namespace} has no Service {door.service}"
    )
    path = f"{door.field}.{name_field(door)}"
    evidence: list[Evidence] = [field(scene, subject, path, door.service, f"{path} is {door.service}")]
    if meant:
        told = f"svc/{meant} is the nearest name in {door.namespace}"
        evidence.append(nearest_miss(scene, f"service/{meant}", "name", door.service, meant, told))
    yield Finding(
        where=f"{subject}, rule {door.rule}",
        says=says,
        headline=f"its backend svc/{door.service} does not exist",
        evidence=tuple(evidence),
        fix=_fix(scene, door, meant),
    )


def _fix(scene: Scene, door: Door, meant: str | None) -> Fix:
    if meant:
        return door_change(scene, door, f"Lead {door.rule} to svc/{meant}", name_field(door), meant)
    grants = ", or name its namespace there" if isinstance(door.owner, Route) else ""
    return Fix(summary=f"Create the Service {door.service} in namespace {door.namespace}{grants}")
