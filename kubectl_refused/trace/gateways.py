"""What a Gateway's controller says of it, and what of that is about the Gateway as it is now. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.model.entrances import Gateway, GatewayClass, Ingress, ListenerStatus, Route
from kubectl_refused.model.objects import Condition, Metadata
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot

from .routes import gateway_of, parents

# What the Gateway API's own defaults say before any controller has looked (gateway_types.go, kubebuilder:default).
_UNSEEN = frozenset({"Pending", "Waiting"})


class Verdict(Struct, frozen=True):
    """A condition that says no: of the Gateway, or of one of its listeners."""

    field: str
    condition: Condition


def gateways_of(scene: Scene) -> tuple[Gateway, ...]:
    """The Gateways in front of a door, or the one asked about; none for an Ingress, or where none was read."""
    owner = scene.door.owner if scene.door else None
    if isinstance(owner, Route):
        found = (gateway_of(owner, ref, scene.snapshot) for ref in parents(owner))
        return tuple({one.metadata.name: one for one in found if one is not None}.values())
    if isinstance(owner, Ingress):
        return ()
    asked = scene.snapshot.objects.get((scene.target.kind, scene.target.namespace, scene.target.name))
    return (asked,) if isinstance(asked, Gateway) else ()


def class_of_gateway(gateway: Gateway, snapshot: Snapshot) -> GatewayClass | None:
    """Its GatewayClass, None where there is none of that name."""
    found = (o for o in snapshot.objects.values() if isinstance(o, GatewayClass))
    return next((one for one in found if one.metadata.name == gateway.spec.gateway_class_name), None)


def current(metadata: Metadata, condition: Condition) -> bool:
    """Whether the condition is about the object as it is now, as far as both tell."""
    seen, now = condition.observed_generation, metadata.generation
    return seen is None or now is None or seen >= now


def denials(gateway: Gateway) -> Iterator[Verdict]:
    """Conditions that say no: of the Gateway, or of its listeners where none of them is well."""
    for one in gateway.status.conditions or ():
        if one.type in ("Accepted", "Programmed") and _says_no(gateway, one):
            yield Verdict("status.conditions", one)
    listeners = [tuple(_denied(gateway, one)) for one in gateway.status.listeners or ()]
    if listeners and all(listeners):
        yield from listeners[0]


def _denied(gateway: Gateway, listener: ListenerStatus) -> Iterator[Verdict]:
    for one in listener.conditions or ():
        if one.type in ("Accepted", "Programmed", "ResolvedRefs") and _says_no(gateway, one):
            yield Verdict(f"status.listeners[{listener.name}].conditions", one)


def _says_no(gateway: Gateway, one: Condition) -> bool:
    return one.status == "False" and current(gateway.metadata, one)


def is_seen(gateway: Gateway) -> bool:
    """Whether any controller has looked at it."""
    told = gateway.status.conditions or ()
    return any(one.status != "Unknown" or one.reason not in _UNSEEN for one in told)
