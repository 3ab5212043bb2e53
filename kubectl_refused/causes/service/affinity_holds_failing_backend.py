"""Session affinity holds the client on a backend that fails, while others accept.

Why it refuses:
    With sessionAffinity: ClientIP the service proxy remembers for each client address which endpoint it was
    given first (for three hours unless timeoutSeconds says otherwise), whether or not that endpoint ever
    answered. As long as a backend that refuses is listed as ready (no readiness probe, or one that passes) its
    clients are refused every time and all others never: seen on Kubernetes 1.34, in kube-proxy's nftables and
    iptables mode alike.
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.sessionAffinity}'    # then dial from two pods, several times
Fix:
    Mend the failing backend and give it a readiness probe, so that it is taken out; or drop affinity.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene, pod_key
from kubectl_refused.trace.proofs import field, packet, service_subject, sockets

MOST_PROOFS = 2
_HOURS = 3600


@cause(
    "KR227", scope=Scope.ROUTE, reads={HANDSHAKE, LISTENERS}, produces=Symptom.RST, since="0.2", needs_symptom=True
)
def affinity_holds_failing_backend(scene: Scene) -> Iterator[Finding]:
    """Yield when a Service with affinity fails for the client as one of its endpoints does, and others accept."""
    service, dial = scene.service, scene.entrance_dial
    if service is None or service.spec.session_affinity != "ClientIP" or dial is None:
        return
    failed = scene.maybe(HANDSHAKE, dial)
    if failed is None or not failed.first_hand or failed.outcome is Outcome.ACCEPTED:
        return
    seen = [(e, scene.maybe(HANDSHAKE, scene.at_endpoint(e).endpoint_dial)) for e in scene.ready_endpoints]
    bad = [(e, h) for e, h in seen if h and h.outcome is failed.outcome]
    good = [(e, h) for e, h in seen if h and h.outcome is Outcome.ACCEPTED]
    if not bad or not good:
        return
    others = [(s, h) for s in scene.siblings if (h := s.handshake(s.entrance_dial)) and _got_in(h)]
    names = ", ".join(dict.fromkeys(_name(e) for e, _ in bad[:MOST_PROOFS]))
    subject, told = service_subject(scene), "spec.sessionAffinity is ClientIP" + _lasting(scene)
    evidence: list[Evidence] = [field(scene, subject, "spec.sessionAffinity", "ClientIP", told)]
    evidence.append(packet(scene, failed))
    evidence += [packet(scene, h) for _, h in [*bad[:MOST_PROOFS], *good[:1]]]
    evidence += [packet(s, h) for s, h in others[:MOST_PROOFS]]
    evidence += _listening(scene, bad[0][0])
    yield Finding(
        where=f"{subject}, for {scene.vantage.who}",
        says=f"sessionAffinity is ClientIP: {scene.vantage.who} stays on {names}, while {len(good)} others accept",
        headline=f"sessionAffinity holds this client on {names}, which fails; {len(good)} of {len(seen)} accept",
        # One failed dial may be chance; every one of several, or one beside clients that get in, is not.
        certainty=Certainty.PROVED if others or _every_time(failed) else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(summary=f"Mend {names} and give it a readiness probe, or set sessionAffinity to None"),
    )


def _listening(scene: Scene, endpoint: Endpoint) -> list[Evidence]:
    """The failing pod's sockets: why it fails is to be told as well, though affinity is what hits this client."""
    listeners = scene.maybe(LISTENERS, pod_key(endpoint.pod)) if endpoint.pod else None
    return [sockets(endpoint.pod, listeners)] if endpoint.pod and listeners else []


def _got_in(seen: Handshake) -> bool:
    return seen.outcome is Outcome.ACCEPTED and len(seen.heard) < 2


def _every_time(failed: Handshake) -> bool:
    """Whether several dials all ended in this way."""
    return len(failed.heard) == 1 and failed.heard[0][1] > 1


def _name(endpoint: Endpoint) -> str:
    return f"pod/{endpoint.pod.metadata.name}" if endpoint.pod else endpoint.address


def _lasting(scene: Scene) -> str:
    """How long, where the Service says so."""
    config = scene.service.spec.session_affinity_config if scene.service else None
    seconds = config.client_ip.timeout_seconds if config and config.client_ip else None
    if not seconds:
        return ""
    return f", for {seconds // _HOURS} h after the last dial" if seconds >= _HOURS else f", for {seconds} s"
