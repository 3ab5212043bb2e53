"""A headless Service translates no port, and port is not targetPort.

Why it refuses:
    With clusterIP None, DNS hands out the pods' own addresses and no proxy stands between: the client dials
    the Service's `port` on the pod itself, where nobody listens. targetPort plays no part for it
    (kubernetes issues 20488 and 131270).
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.clusterIP} {.spec.ports}'    # None, port and targetPort differ
Fix:
    Make port equal to the port the process listens on, or dial that port.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, LOG, POLICIES_IN, SEARCH
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key, pod_port
from kubectl_refused.trace.containers import resolve_target_port
from kubectl_refused.trace.localhost import found_port, not_comparable, refused_in_both_families
from kubectl_refused.trace.proofs import field, packet, service_subject, sockets
from kubectl_refused.trace.rejecters import may_be_rejected
from kubectl_refused.trace.sockets import Standing, standing


@cause(
    "KR108",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, FORWARD, SEARCH, LOG, POLICIES_IN},
    produces=Symptom.NO_LISTENER,
    since="0.1",
    needs_symptom=True,
)
def headless_port_not_translated(scene: Scene) -> Iterator[Finding]:
    """Yield when the process listens on targetPort while clients of the headless Service dial its port."""
    service, port, pod = scene.service, scene.port, scene.pod
    if service is None or port is None or pod is None or service.spec.cluster_ip != "None":
        return
    meant, handshake = resolve_target_port(pod, port), scene.dialled
    if meant is None or meant == port.port or handshake is None or handshake.outcome is not Outcome.REFUSED:
        return
    shown = _listens(scene, pod, meant, handshake)
    if shown is None:
        return
    proof, certainty = shown
    says = f"clusterIP is None; port {port.port} is dialled as it stands, targetPort {meant} is not used"
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"headless: clients dial {port.port} on the pod, which listens on {meant}",
        headline=f"it is headless, so nothing translates port {port.port} to {meant}",
        certainty=certainty,
        evidence=(
            field(scene, service_subject(scene), "spec.clusterIP", "None", says),
            proof,
            packet(scene, handshake),
        ),
        fix=Fix(
            summary=f"Dial port {meant} of svc/{scene.target.name}, or give it port {meant}",
            leads_to=destinations(scene, [pod]),
        ),
    )


def _listens(scene: Scene, pod: Pod, meant: int, refused: Handshake) -> tuple[Evidence, Certainty] | None:
    """What shows that the process is on targetPort: its sockets, else a search by port-forward."""
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is not None:
        there = standing(listeners.sockets, refused.host, meant) is Standing.OPEN
        return (sockets(pod, listeners), Certainty.PROVED) if there else None
    found = found_port(scene, pod, refused)
    if found is None or meant not in found.search.accepted:
        return None
    doubt = may_be_rejected(scene, pod) or not_comparable(scene, pod)
    sure = refused_in_both_families(scene.need(FORWARD, pod_port(pod, refused.port))) and not doubt
    says = f"inside the pod port {meant} accepts and port {refused.port} does not, by port-forward"
    witness = WitnessEvidence(witness="port-forward", subject=f"pod/{pod.metadata.name}", says=says)
    return witness, Certainty.PROVED if sure else Certainty.LIKELY
