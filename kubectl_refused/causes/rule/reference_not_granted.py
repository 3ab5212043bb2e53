"""A route leads to a Service of another namespace that does not allow it.

Why it refuses:
    A route may only lead out of its namespace where a ReferenceGrant in the other one says that routes from there
    may refer to its Services. Without one the controller answers 500 itself (ResolvedRefs is False,
    RefNotPermitted).
Confirm:
    kubectl get referencegrant -n NAMESPACE -o yaml
Fix:
    Create a ReferenceGrant beside the Service.
See:
    https://gateway-api.sigs.k8s.io/api-types/referencegrant/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.entrances import GATEWAY_GROUP, Door, ReferenceGrant, Route
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entrances import entrance_subject
from kubectl_refused.trace.proofs import field


@cause("KR823", scope=Scope.ENTRANCE, since="0.3")
def reference_not_granted(scene: Scene) -> Iterator[Finding]:
    """Yield when the backend is in another namespace and no ReferenceGrant there is for it."""
    door = scene.door
    if door is None or not isinstance(door.owner, Route) or door.namespace == door.owner.metadata.namespace:
        return
    if not scene.snapshot.read("ReferenceGrant", door.namespace):
        return
    grants = [g for g in _grants(scene) if g.metadata.namespace == door.namespace]
    if any(_allows(grant, door) for grant in grants):
        return
    subject, kind, own = entrance_subject(door.owner), type(door.owner).__name__, door.owner.metadata.namespace
    says = f"{door.backend} is in namespace {door.namespace}, where no ReferenceGrant is for {kind}s of {own}"
    path = f"{door.field}.namespace"
    evidence: list[Evidence] = [field(scene, subject, path, door.namespace, f"{path} is {door.namespace}")]
    for grant in grants[:3]:
        of = f"referencegrant/{grant.metadata.name}"
        evidence.append(field(scene, of, "spec", _told(grant), f"{of} is {_told(grant)}"))
    yield Finding(
        where=f"{subject}, rule {door.rule}",
        says=says,
        headline=f"no ReferenceGrant lets it lead to {door.backend} in namespace {door.namespace}",
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Create a ReferenceGrant in namespace {door.namespace}: from {kind} in {own}, to Service"
        ),
    )


def _grants(scene: Scene) -> Iterator[ReferenceGrant]:
    yield from (o for o in scene.snapshot.objects.values() if isinstance(o, ReferenceGrant))


def _allows(grant: ReferenceGrant, door: Door) -> bool:
    kind, space = type(door.owner).__name__, door.owner.metadata.namespace
    come = any(
        (one.kind, one.group, one.namespace) == (kind, GATEWAY_GROUP, space) for one in grant.spec.from_ or ()
    )
    go = any(
        one.kind == door.kind and not one.group and one.name in (None, "", door.service)
        for one in grant.spec.to or ()
    )
    return come and go


def _told(grant: ReferenceGrant) -> str:
    """`from HTTPRoute of shop, to Service web`."""
    come = ", ".join(f"{one.kind} of {one.namespace}" for one in grant.spec.from_ or ())
    go = ", ".join(f"{one.kind} {one.name or ''}".strip() for one in grant.spec.to or ())
    return f"from {come or 'nobody'}, to {go or 'nothing'}"
