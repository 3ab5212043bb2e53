"""The Service's port promises TLS and the app speaks plain text, or the reverse.

Why it refuses:
    TCP connects, then the client gives up: a TLS client takes an HTTP answer for a broken record ("wrong version
    number"), an HTTP client gets a TLS alert, "400 The plain HTTP request was sent to HTTPS port", or a close.
    Ingress controllers, gateways and meshes choose the protocol by the port's appProtocol or its name. Only a
    question to the app tells what it speaks (--guess-protocol); whether clients go by the port is likely only.
Confirm:
    curl -vk https://CLUSTER-IP:PORT/ http://CLUSTER-IP:PORT/    # from a pod: one of the two works
Fix:
    Call it with the scheme it speaks, and let the port's appProtocol say so; or let the app speak the other.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Certainty, Finding, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.objects import Service, ServicePort
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.veils import says_nothing

# appProtocol (KEP-1422 and KEP-3726), and the first word of a port's name, as Istio and many Ingresses read it.
_TLS = frozenset({"https", "tls", "kubernetes.io/wss", "wss", "grpcs"})
_PLAIN = frozenset({"http", "http2", "kubernetes.io/h2c", "kubernetes.io/ws", "h2c", "ws"})
# Load balancers that end TLS themselves speak plain text to a port called https; their annotations tell.
_ENDS_TLS = lazily(r"ssl|tls|cert|backend-protocol|app-protocols|backend-?config", re.IGNORECASE)


@cause("KR418", scope=Scope.ROUTE, reads={HANDSHAKE}, produces=Symptom.RESET, since="0.2", needs_symptom=True)
def protocol_not_as_declared(scene: Scene) -> Iterator[Finding]:
    """Yield when what an endpoint was heard to speak is not what its Service port declares."""
    service, port = scene.service, scene.port
    if service is None or port is None or _tls_ends_before(service):
        return
    declared = _declared(port)
    for endpoint in scene.ready_endpoints if declared else ():
        view = scene.at_endpoint(endpoint)
        heard = view.dialled if scene.handshake(view.endpoint_dial) else None
        if heard is None or (endpoint.pod and says_nothing(view, endpoint.pod, heard)):
            continue
        if heard.speaks in ("http", "http2") if declared in _TLS else heard.speaks == "tls":
            yield _finding(scene, port, endpoint, heard)


def _declared(port: ServicePort) -> str:
    """The protocol that the port promises, where it is about TLS or not; empty where it promises nothing."""
    word = (port.app_protocol or port.name.partition("-")[0]).lower()
    return word if word in _TLS | _PLAIN else ""


def _tls_ends_before(service: Service) -> bool:
    return any(_ENDS_TLS.search(key) for key in service.metadata.annotations or ())


def _finding(scene: Scene, port: ServicePort, endpoint: Endpoint, heard: Handshake) -> Finding:
    spoken = "TLS" if heard.speaks == "tls" else "plain HTTP"
    right = "https" if heard.speaks == "tls" else "http"
    path, value = ("appProtocol", port.app_protocol) if port.app_protocol else ("name", port.name)
    where = f"pod/{endpoint.pod.metadata.name}" if endpoint.pod else endpoint.address
    told = f", it {heard.detail}" if heard.detail else ""
    proof = WitnessEvidence(
        witness=heard.witness, subject=where, says=f"asked what it speaks, port {heard.port} speaks {spoken}{told}"
    )
    declared = field(
        scene, service_subject(scene), f"spec.ports[].{path}", value, f"port {port.port} has the {path} {value}"
    )
    entry = {"port": port.port, "protocol": port.protocol, "appProtocol": right}
    return Finding(
        where=f"port {port.port} of service/{scene.target.name}",
        says=f"{path} {value}; the app speaks {spoken}",
        headline=f"clients take its port for {value}, and the app speaks {spoken}",
        certainty=Certainty.LIKELY,
        evidence=(declared, proof),
        fix=service_change(
            scene,
            f"Call it with {right}://, and set appProtocol of port {port.port} to {right}",
            {"ports": [entry]},
        ),
    )
