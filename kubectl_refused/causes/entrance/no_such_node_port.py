"""No Service has that nodePort: a node is dialled at another port.

Why it refuses:
    A node answers for a Service at its nodePort only, a number from 30000 on that Kubernetes chose unless
    somebody set it. The Service's port, targetPort and containerPort are no ports of a node, and the nodePort is
    another one after the Service was deleted and made anew.
Confirm:
    kubectl get svc -A    # PORT(S) shows port:nodePort
Fix:
    Dial the nodePort that the Service has, or set spec.ports[].nodePort to the number you dial.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Service, ServicePort
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entries import NODE_PORTS, node_of, node_ports
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss, packet

MOST_NAMED = 3


@cause("KR833", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.NO_PORT, since="0.3")
def no_such_node_port(scene: Scene) -> Iterator[Finding]:
    """Yield when all nodePorts were read, none is that one, and the node does not accept there."""
    target = scene.target
    if target.kind != "Node" or scene.door is not None or node_of(target, scene.snapshot) is None:
        return
    if not scene.ways or not scene.snapshot.read(NODE_PORTS, ""):
        return
    seen = scene.maybe(HANDSHAKE, scene.ways[0])
    if seen is not None and seen.outcome is Outcome.ACCEPTED:
        return  # a program of the node's own
    number = int(target.port or 0)
    meant, why = _meant(scene, number)
    says = f"no Service has nodePort {number}, and no pod of {target.name} has that hostPort"
    evidence: list[Evidence] = [field(scene, "services", "spec.ports[].nodePort", number, says)]
    if seen is not None:
        evidence.append(packet(scene, seen))
    for service, port in meant:
        subject = f"service/{service.metadata.name}"
        told = f"port {port.port} of {subject} in namespace {service.metadata.namespace} has {port.node_port}"
        evidence.append(nearest_miss(scene, subject, "nodePort", str(number), str(port.node_port), told))
    yield Finding(
        where=str(target),
        says=f"{says}; {why}" if why else says,
        headline=f"no Service has nodePort {number}" + (f": {why}" if why else ""),
        # What the objects cannot tell is whether a program of the node serves that port.
        certainty=Certainty.LIKELY if seen is None else Certainty.PROVED,
        evidence=tuple(evidence),
        fix=Fix(summary=_summary(target.name, number, meant)),
    )


def _meant(scene: Scene, number: int) -> tuple[Sequence[tuple[Service, ServicePort]], str]:
    """The ports that were probably meant, those of the namespace asked about first, and why; or none."""
    home = scene.target.namespace
    known = sorted(node_ports(scene.snapshot), key=lambda one: one[0].metadata.namespace != home)
    for words, mine in (
        ("port", [one for one in known if one[1].port == number]),
        ("targetPort", [one for one in known if str(one[1].target_port) == str(number)]),
    ):
        if mine:
            service, port = mine[0]
            return mine[:MOST_NAMED], (
                f"{number} is the {words} of svc/{service.metadata.name}, whose nodePort is {port.node_port}"
            )
    near = nearest(str(number), [str(port.node_port) for _, port in known]) if number >= 10000 else None
    mine = [one for one in known if str(one[1].node_port) == near][:1]
    return mine, f"svc/{mine[0][0].metadata.name} has {near}" if mine else ""


def _summary(node: str, number: int, meant: Sequence[tuple[Service, ServicePort]]) -> str:
    if not meant:
        return f"Ask for a nodePort that kubectl get svc -A shows, or set nodePort {number} in the Service"
    service, port = meant[0]
    of = f"svc/{service.metadata.name} in namespace {service.metadata.namespace}"
    return f"Dial {node} at {port.node_port}, the nodePort of {of}"
