"""The pod listens, and on another port than the one that was asked for.

Why it refuses:
    Nothing translates ports on the way to a pod's own address: what is dialled is what the app must be bound to. A
    Service's port is often another number than the pod's (port 80, targetPort 8080), and containerPort is
    documentation that opens nothing, so both mislead. The pod's kernel answers RST.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/tcp6    # state 0A is LISTEN, ports are hexadecimal
Fix:
    Dial the port that the app listens on, or the Service in front of it.
See:
    https://kubernetes.io/docs/concepts/services-networking/connect-applications-service/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import (
    FORWARD,
    HANDSHAKE,
    LISTENERS,
    LOG,
    POLICIES_IN,
    SEARCH,
    Dial,
)
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key, pod_port
from kubectl_refused.trace.candidate_ports import app_ports, own_ports
from kubectl_refused.trace.containers import containers, said_ports
from kubectl_refused.trace.localhost import found_port, not_comparable, refused_in_both_families
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.rejecters import may_be_rejected
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import Standing, likeliest_port, shown, standing


@cause(
    "KR852",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, FORWARD, SEARCH, LOG, POLICIES_IN},
    produces=Symptom.RST,
    shows=Symptom.OTHER_PORT,
    since="0.3",
)
def pod_listens_on_another_port(scene: Scene) -> Iterator[Finding]:
    """Yield when nothing listens on the port asked for while the app listens elsewhere; sockets prove it."""
    pod, refused = scene.pod, scene.dialled
    if not scene.target.is_of_pods or pod is None or refused is None or refused.outcome is not Outcome.REFUSED:
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        yield from _forwarded(scene, pod, refused)
        return
    if standing(listeners.sockets, refused.host, refused.port) is not Standing.ABSENT:
        return
    mine = app_sockets(pod, listeners.sockets)
    likely = likeliest_port(app_ports(pod, [s.port for s in mine]), said_ports(pod))
    meant = next(iter(own_ports(pod, listeners.sockets, refused.host)), likely)
    if meant is None:
        return  # nothing of the app's listens at all: another cause's to say
    owner = next((s.owner for s in mine if s.port == meant and s.owner), "the process")
    says = f"{owner} listens on {shown(s for s in mine if s.port == meant)}"
    evidence = (sockets(pod, listeners), packet(scene, refused))
    yield _finding(scene, pod, refused.port, meant, says, evidence, Certainty.PROVED)


def _forwarded(scene: Scene, pod: Pod, refused: Handshake) -> Iterator[Finding]:
    """Nothing at localhost on the port asked for, but on another one: found by port-forward, then dialled."""
    found = found_port(scene, pod, refused)
    if found is None:
        return
    seen = scene.need(FORWARD, pod_port(pod, refused.port))
    tried = scene.maybe(HANDSHAKE, Dial(refused.host, found.port, scene.vantage.key))
    doubt = may_be_rejected(scene, pod) or not_comparable(scene, pod)
    sure = refused_in_both_families(seen) and tried is not None and not doubt
    says = f"inside the pod port {found.port} accepts and port {refused.port} does not"
    witness = WitnessEvidence(witness="port-forward", subject=f"pod/{pod.metadata.name}", says=says)
    certainty = Certainty.PROVED if sure else Certainty.LIKELY
    yield _finding(scene, pod, refused.port, found.port, says, (witness, packet(scene, refused)), certainty)


def _finding(
    scene: Scene,
    pod: Pod,
    aimed: int,
    meant: int,
    says: str,
    evidence: tuple[Evidence, ...],
    certainty: Certainty,
) -> Finding:
    declared = {p.container_port for c in containers(pod) for p in c.ports or ()}
    agreed = f"; containerPort says {aimed}, which opens no port" if aimed in declared else ""
    return Finding(
        where=f"port {aimed} of pod/{pod.metadata.name}",
        says=f"port {aimed} is dialled; {says}{agreed}",
        headline=f"port {aimed} was asked for, the app listens on {meant}",
        certainty=certainty,
        evidence=evidence,
        fix=Fix(summary=f"Dial port {meant} of {str(scene.target).partition(':')[0]}"),
    )
