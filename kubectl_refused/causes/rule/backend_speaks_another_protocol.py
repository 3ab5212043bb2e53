"""The controller speaks plain HTTP to a backend that speaks TLS, or the reverse.

Why it refuses:
    ingress-nginx takes every backend for plain HTTP unless an annotation says otherwise, whatever the port is
    called. A server that speaks TLS hangs up on it or answers 400 (The plain HTTP request was sent to HTTPS port),
    and the client gets 502 or that 400. The other way round the TLS handshake with the backend fails, which is a
    502, too. What the backend speaks is only known where it was asked (--guess-protocol).
Confirm:
    kubectl get ingress NAME -o jsonpath='{.metadata.annotations}'
    curl -vk https://POD-IP:PORT/    # from a pod
Fix:
    Set nginx.ingress.kubernetes.io/backend-protocol to what the backend speaks.
See:
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#backend-protocol
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.entrances import Door, Ingress
from kubectl_refused.model.evidence import Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.doors import NGINX, controller_of
from kubectl_refused.trace.entrances import entrance_subject
from kubectl_refused.trace.proofs import field

BACKEND_PROTOCOL = "nginx.ingress.kubernetes.io/backend-protocol"
PASSTHROUGH = "nginx.ingress.kubernetes.io/ssl-passthrough"
_TLS, _PLAIN = frozenset({"HTTPS", "GRPCS"}), frozenset({"HTTP", "GRPC", "AUTO_HTTP", ""})


@cause("KR814", scope=Scope.ENTRANCE, reads={HANDSHAKE}, produces=Symptom.RESET, since="0.3")
def backend_speaks_another_protocol(scene: Scene) -> Iterator[Finding]:
    """Yield when an endpoint was heard to speak TLS where the annotation says plain HTTP, or the reverse."""
    door = scene.door
    if door is None or not isinstance(door.owner, Ingress) or controller_of(door.owner, scene.snapshot) != NGINX:
        return
    notes = door.owner.metadata.annotations or {}
    asked = notes.get(BACKEND_PROTOCOL, "").upper()
    if notes.get(PASSTHROUGH) == "true" or asked not in _TLS | _PLAIN:
        return
    for endpoint in scene.ready_endpoints:
        heard = scene.at_endpoint(endpoint).dialled
        if heard is not None and heard.speaks in (("tls",) if asked in _PLAIN else ("http", "http2")):
            yield _finding(scene, door, asked, endpoint, heard)
            return


def _finding(scene: Scene, door: Door, asked: str, endpoint: Endpoint, heard: Handshake) -> Finding:
    subject, spoken = entrance_subject(door.owner), "TLS" if heard.speaks == "tls" else "plain HTTP"
    right = "HTTPS" if heard.speaks == "tls" else "HTTP"
    says = f"the annotation backend-protocol is {asked or 'not set, which means HTTP'}"
    where = f"pod/{endpoint.pod.metadata.name}" if endpoint.pod else endpoint.address
    heard_say = f"asked what it speaks, port {heard.port} speaks {spoken}"
    return Finding(
        where=f"{subject}, rule {door.rule}",
        says=f"{says}; {door.backend} speaks {spoken}",
        headline=f"its controller speaks {asked or 'HTTP'} to {door.backend}, which speaks {spoken}",
        evidence=(
            field(scene, subject, f"metadata.annotations[{BACKEND_PROTOCOL}]", asked or None, says),
            WitnessEvidence(witness=heard.witness, subject=where, says=heard_say),
        ),
        fix=Fix(summary=f"Set the annotation {BACKEND_PROTOCOL} of {subject} to {right}"),
    )
