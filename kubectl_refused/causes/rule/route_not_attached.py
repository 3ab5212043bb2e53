"""A route is attached to no Gateway: its parents do not take it.

Why it refuses:
    A route names its parents, and a Gateway's listeners say which routes they take: from which namespaces
    (allowedRoutes, their own unless told otherwise), of which kinds, under which host names. Only where both
    agree the route is served; else its hosts and paths meet the Gateway's 404, or nothing.
Confirm:
    kubectl describe httproute NAME    # Accepted is False, or the parent is not in the status at all
Fix:
    Name a Gateway, section and host name that are there, or let the listener take the route's namespace.
See:
    https://gateway-api.sigs.k8s.io/concepts/api-overview/#attaching-routes-to-gateways
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, cause
from kubectl_refused.fixes.entrance import owner_change
from kubectl_refused.model.entrances import Gateway, Route
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import NAMESPACE, NamespaceKey
from kubectl_refused.model.objects import Labels
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.attachments import SELECTOR, Refused, refusals
from kubectl_refused.trace.entrances import entrance_subject
from kubectl_refused.trace.gateways import current
from kubectl_refused.trace.proofs import field, nearest_miss
from kubectl_refused.trace.routes import gateway_of, parents


@cause("KR821", scope=Scope.ENTRANCE, reads={NAMESPACE}, since="0.3")
def route_not_attached(scene: Scene) -> Iterator[Finding]:
    """Yield when no parent takes the route, by both objects; else when the controller says that none does."""
    route = scene.door.owner if scene.door else None
    if not isinstance(route, Route):
        return
    found = refusals(route, scene.snapshot, _labels(scene, route))
    if found:
        yield _finding(scene, route, found)
    elif not scene.from_files:
        yield from _said(scene, route)


def _labels(scene: Scene, route: Route) -> Labels | None:
    """Those of the route's namespace, where a listener selects by them."""
    gateways = [gateway_of(route, ref, scene.snapshot) for ref in parents(route)]
    if not any(_selects(one) for one in gateways if one):
        return {}
    space = scene.maybe(NAMESPACE, NamespaceKey(route.metadata.namespace))
    return space.metadata.labels or {} if space else None


def _selects(gateway: Gateway) -> bool:
    asked = (one.allowed_routes.namespaces for one in gateway.spec.listeners or () if one.allowed_routes)
    return any(one is not None and one.from_ == SELECTOR for one in asked)


def _finding(scene: Scene, route: Route, found: Sequence[Refused]) -> Finding:
    first, subject = found[0], entrance_subject(route)
    at = f"gateway/{first.gateway.metadata.name}" if first.gateway and first.on_gateway else subject
    evidence: list[Evidence] = [field(scene, at, one.field, one.value, one.says) for one in found[:3]]
    if first.meant and not first.on_gateway:
        told = f"{first.meant} is what is there"
        evidence.append(nearest_miss(scene, at, first.field, str(first.value), first.meant, told))
    return Finding(
        where=subject,
        says=first.says,
        headline=f"no Gateway takes the {type(route).__name__}: {first.says}",
        evidence=tuple(evidence),
        fix=_fix(scene, route, first),
    )


def _fix(scene: Scene, route: Route, first: Refused) -> Fix:
    if first.meant and first.change:
        value: object = int(first.meant) if first.change.endswith(".port") else first.meant
        return owner_change(scene, route, f"Set {first.change} to {first.meant}", first.change, value)
    if first.on_gateway and first.gateway:
        name = f"gateway/{first.gateway.metadata.name}"
        return Fix(summary=f"Let a listener of {name} take it (allowedRoutes), or name another parent")
    return Fix(summary=f"Name a parent and host names that are there in {entrance_subject(route)}")


def _said(scene: Scene, route: Route) -> Iterator[Finding]:
    """What the controllers say, where all of them say no of the route as it is now."""
    told = [
        [one for one in parent.conditions or () if one.type == "Accepted" and current(route.metadata, one)]
        for parent in route.status.parents or ()
    ]
    noes = [one for conditions in told for one in conditions if one.status == "False"]
    if not noes or len(noes) < len(told):
        return
    one, subject = noes[0], entrance_subject(route)
    yield Finding(
        where=subject,
        says=f"its controller says Accepted=False, {one.reason}: {one.message}",
        headline=f"its controller does not accept the {type(route).__name__} ({one.reason})",
        certainty=Certainty.LIKELY,
        evidence=(
            field(scene, subject, "status.parents.conditions", "Accepted=False", f"Accepted=False, {one.reason}"),
        ),
        fix=Fix(summary=f"Mend what its controller names: {one.message or one.reason}"),
    )
