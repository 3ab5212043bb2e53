"""The Service says TCP, and the app listens on UDP.

Why it refuses:
    TCP and UDP ports have nothing to do with each other: a server that binds UDP 53 leaves TCP 53 closed, and the
    kernel answers a SYN with RST. A Service port without a protocol is a TCP port, which is a common slip for DNS,
    syslog, StatsD, game and VPN servers.
Confirm:
    kubectl exec POD -- cat /proc/net/udp    # the port, in hexadecimal, in state 07
Fix:
    Set the Service port's protocol to UDP, or let the app listen on TCP too.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-service-defined-correctly
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Certainty, Finding, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.proofs import field, packet, service_subject, sockets
from kubectl_refused.trace.runtimes import sandbox_of
from kubectl_refused.trace.sockets import Standing, shown, standing


@cause(
    "KR220",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS},
    produces={Symptom.RST, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def listens_on_udp_only(scene: Scene) -> Iterator[Finding]:
    """Yield when the port is refused, no TCP socket has it, and a UDP socket that packets reach does."""
    refused, pod, port = scene.dialled, scene.pod, scene.port
    if (
        refused is None
        or scene.service is None
        or pod is None
        or port is None
        or refused.outcome is not Outcome.REFUSED
    ):
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    here = [s for s in listeners.udp if s.port == refused.port]
    if standing(listeners.sockets, refused.host, refused.port) is not Standing.ABSENT:
        return
    if standing(listeners.udp, refused.host, refused.port) is not Standing.OPEN:
        return
    subject = service_subject(scene)
    owner = next((f", {s.owner}" for s in here if s.owner), "")
    says = f"UDP {shown(here)} is bound in {pod.metadata.name}{owner}"
    patch = {"ports": [{"port": port.port, "protocol": "UDP"}]}
    strange = pod.spec.host_network or sandbox_of(pod) == "gVisor"
    yield Finding(
        where=f"port {refused.port} of pod/{pod.metadata.name}",
        says=f"port {port.port} of the Service is TCP; the app has port {refused.port} on UDP only",
        headline=f"the app listens on UDP {refused.port}, and the Service says TCP",
        certainty=Certainty.LIKELY if strange else Certainty.PROVED,
        evidence=(
            field(scene, subject, "spec.ports[].protocol", port.protocol, f"port {port.port} has protocol TCP"),
            WitnessEvidence(witness=listeners.witness, subject=f"pod/{pod.metadata.name}", says=says),
            sockets(pod, listeners),
            packet(scene, refused),
        ),
        fix=service_change(scene, f"Set the protocol of port {port.port} to UDP, as the app speaks it", patch),
    )
