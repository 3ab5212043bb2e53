"""The Gateway is not programmed: no proxy listens for it.

Why it refuses:
    A Gateway is a wish: the controller of its class makes a proxy listen for it, and says so in the condition
    Programmed. Where the class does not exist, no controller looks at it, or the controller says no (a bad
    listener, a certificate that is not there, no address), nothing listens there and connections are refused or
    time out.
Confirm:
    kubectl get gateway NAME    # PROGRAMMED is not True
    kubectl describe gateway NAME
Fix:
    Mend what the condition names; name a GatewayClass that is there.
See:
    https://gateway-api.sigs.k8s.io/reference/spec/#gatewayconditiontype
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Gateway, GatewayClass
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.gateways import class_of_gateway, denials, gateways_of, is_seen
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss


@cause("KR822", scope=Scope.ENTRANCE, produces=Symptom.NO_LISTENER, since="0.3")
def gateway_not_programmed(scene: Scene) -> Iterator[Finding]:
    """Yield when every Gateway in front lacks its class, a controller, or the word of one that it works."""
    if scene.from_files:
        return
    gateways = gateways_of(scene)
    found = [finding for one in gateways if (finding := _finding(scene, one))]
    if found and len(found) == len(gateways):
        yield found[0]


def _finding(scene: Scene, gateway: Gateway) -> Finding | None:
    if scene.snapshot.read("GatewayClass", "") and class_of_gateway(gateway, scene.snapshot) is None:
        return _classless(scene, gateway)
    said = next(denials(gateway), None)
    subject = f"gateway/{gateway.metadata.name}"
    if said is None:
        return None if is_seen(gateway) else _unseen(scene, gateway)
    one = said.condition
    told = f"{said.field} has {one.type}={one.status}, {one.reason}"
    return Finding(
        where=subject,
        says=f"its controller says {one.type}={one.status}: {one.message or one.reason}",
        headline=f"{subject} is not programmed ({one.reason})",
        evidence=(field(scene, subject, said.field, f"{one.type}={one.status}", told),),
        fix=Fix(summary=f"Mend what its controller names: {one.message or one.reason}"),
    )


def _classless(scene: Scene, gateway: Gateway) -> Finding:
    name, subject = gateway.spec.gateway_class_name, f"gateway/{gateway.metadata.name}"
    there = [o.metadata.name for o in scene.snapshot.objects.values() if isinstance(o, GatewayClass)]
    meant = nearest(name, there) or (there[0] if len(there) == 1 else None)
    evidence: list[Evidence] = [
        field(scene, subject, "spec.gatewayClassName", name, f"spec.gatewayClassName is {name}")
    ]
    if meant:
        told = f"gatewayclass/{meant} is there"
        evidence.append(nearest_miss(scene, f"gatewayclass/{meant}", "class", name, meant, told))
    summary = (
        f"Set gatewayClassName of {subject} to {meant}" if meant else f"Install the controller of class {name}"
    )
    return Finding(
        where=subject,
        says=f"its class is {name}, and the cluster has {', '.join(there) or 'none'}",
        headline=f"no GatewayClass is called {name}" + (f"; {meant} is" if meant else ""),
        evidence=tuple(evidence),
        fix=Fix(summary=summary),
    )


def _unseen(scene: Scene, gateway: Gateway) -> Finding:
    subject, name = f"gateway/{gateway.metadata.name}", gateway.spec.gateway_class_name
    one = class_of_gateway(gateway, scene.snapshot)
    controller = one.spec.controller_name if one else f"of class {name}"
    return Finding(
        where=subject,
        says=f"no controller has looked at it: its status is empty or waits for {controller}",
        headline=f"{subject} is served by no controller",
        certainty=Certainty.LIKELY,
        evidence=(field(scene, subject, "status.conditions", None, "status.conditions tell of no controller"),),
        fix=Fix(summary=f"Install the controller {controller}, or mend it where it runs"),
    )
