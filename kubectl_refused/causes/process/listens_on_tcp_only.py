"""The Service says UDP, and the app listens on TCP.

Why it refuses:
    A Service port forwards one protocol. Where it says UDP, nothing forwards TCP to the ClusterIP: a client's
    SYN is rejected in kube-proxy's nftables mode (a port the Service does not have) and gets no answer in its
    iptables mode, while the pod's own address accepts. UDP clients get ICMP port unreachable, as no UDP socket
    is there.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/udp    # the port, in hexadecimal: among tcp, not among udp
Fix:
    Set the Service port's protocol to TCP, or let the app listen on UDP too.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-service-defined-correctly
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Endpoint, Scene, pod_key
from kubectl_refused.trace.proofs import field, packet, service_subject, sockets
from kubectl_refused.trace.sockets import Standing, standing

MOST_PODS = 3  # pods of one Service are alike


@cause(
    "KR234",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LISTENERS},
    produces={Symptom.SILENCE, Symptom.REJECT},
    protocol="UDP",
    since="0.2",
)
def listens_on_tcp_only(scene: Scene) -> Iterator[Finding]:
    """Yield when the port is UDP, no UDP socket has it in the pods behind it, and TCP connections get in there."""
    port = scene.port
    if port is None or scene.service is None:
        return
    ready = [e for e in scene.ready_endpoints if e.pod is not None]
    for endpoint in ready[:MOST_PODS]:
        pod = endpoint.pod
        assert pod is not None
        shown = _shown(scene, endpoint, pod)
        if shown is None:
            continue
        proof, certainty = shown
        subject, number = service_subject(scene), endpoint.port
        patch = {"ports": [{"port": port.port, "protocol": "TCP"}]}
        yield Finding(
            where=f"port {number} of pod/{pod.metadata.name}",
            says=f"port {port.port} of the Service is UDP; the app has port {number} on TCP only",
            headline=f"the app listens on TCP {number}, and the Service says UDP",
            certainty=certainty,
            evidence=(
                field(scene, subject, "spec.ports[].protocol", "UDP", f"port {port.port} has protocol UDP"),
                *proof,
            ),
            fix=service_change(scene, f"Set the protocol of port {port.port} to TCP, as the app speaks it", patch),
        )
        return


def _shown(scene: Scene, endpoint: Endpoint, pod: Pod) -> tuple[list[Evidence], Certainty] | None:
    """What shows that TCP is served and UDP is not: the pod's sockets, else an accept, which leaves UDP open."""
    assert endpoint.port is not None
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        seen = scene.maybe(HANDSHAKE, scene.at_endpoint(endpoint).endpoint_dial)
        accepted = seen is not None and seen.outcome is Outcome.ACCEPTED
        return ([packet(scene, seen)], Certainty.POSSIBLE) if seen and accepted else None
    if any(s.port == endpoint.port for s in listeners.udp):
        return None
    if standing(listeners.sockets, endpoint.address, endpoint.port) is not Standing.OPEN:
        return None
    told = f"no UDP socket has port {endpoint.port} in {pod.metadata.name}"
    absent = WitnessEvidence(witness=listeners.witness, subject=f"pod/{pod.metadata.name}", says=told)
    # On its node's network the socket may be anybody's.
    sure = Certainty.LIKELY if pod.spec.host_network else Certainty.PROVED
    return [sockets(pod, listeners), absent], sure
