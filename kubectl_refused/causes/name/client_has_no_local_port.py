"""The client has no local port left for another connection to this address.

Why it refuses:
    Every connection takes a local port, out of ip_local_port_range (28 thousand, as a rule), and keeps it for a
    minute after its end where the client closed first (TIME_WAIT). When all are taken towards one address and
    port, connect fails at once with EADDRNOTAVAIL, "cannot assign requested address": no packet leaves the client.
Confirm:
    kubectl exec CLIENT -- cat /proc/net/sockstat /proc/sys/net/ipv4/ip_local_port_range
Fix:
    Keep connections and use them again (keep-alive, a pool), close what leaks, or widen the range.
See:
    https://man7.org/linux/man-pages/man2/connect.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import CONNECTIONS, PODS_IN, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Connections, Handshake
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.client_pods import client_pod
from kubectl_refused.trace.proofs import packet


@cause(
    "KR112",
    scope=Scope.ROUTE,
    reads={CONNECTIONS, PODS_IN, WORKLOAD},
    produces={Symptom.SILENCE, Symptom.REJECT},
    since="0.2",
    needs_symptom=True,
)
def client_has_no_local_port(scene: Scene) -> Iterator[Finding]:
    """Yield when a dial inside the client failed with EADDRNOTAVAIL (connect(2)); its connections are counted."""
    failed = next((h for h in _dials(scene) if h.errno == "EADDRNOTAVAIL"), None)
    pod = client_pod(scene) if failed and failed.witness == "client-exec" else None
    if failed is None or pod is None:
        return
    seen = scene.maybe(CONNECTIONS, pod_key(pod))
    evidence: list[Evidence] = [packet(scene, failed)]
    told = _counted(seen) if seen else ""
    if seen and told:
        evidence.append(WitnessEvidence(witness=seen.witness, subject=f"pod/{pod.metadata.name}", says=told))
    where = f"[{failed.host}]:{failed.port}" if ":" in failed.host else f"{failed.host}:{failed.port}"
    yield Finding(
        where=f"pod/{pod.metadata.name}",
        says=f"a dial of {where} in {scene.vantage.who} fails with EADDRNOTAVAIL" + (f"; {told}" if told else ""),
        headline=f"{scene.vantage.who} has no local port left for {where}",
        # Counted, nothing else is left; the error alone may also tell of an address that the client lacks.
        certainty=Certainty.PROVED if told else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=_fix(scene, pod, seen),
    )


def _dials(scene: Scene) -> Iterator[Handshake]:
    seen = (
        scene.handshake(scene.entrance_dial),
        *(scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in scene.ready_endpoints),
    )
    return (handshake for handshake in seen if handshake)


def _counted(seen: Connections) -> str:
    """`16 connections hold local ports; there are 16 (40000 to 40015)`; empty where they are far fewer."""
    if seen.ports is None or seen.ports[1] < seen.ports[0]:
        return ""
    room = seen.ports[1] - seen.ports[0] + 1
    # connect(2) takes odd ports first and gives up early where half are reserved; a half is far more than idle.
    if seen.count * 2 < room:
        return ""
    return f"{seen.count} connections hold local ports; there are {room} ({seen.ports[0]} to {seen.ports[1]})"


def _fix(scene: Scene, pod: Pod, seen: Connections | None) -> Fix:
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    range_told = f" ({seen.ports[0]} to {seen.ports[1]})" if seen and seen.ports else ""
    summary = "Use connections again or close them, or widen the sysctl net.ipv4.ip_local_port_range"
    return Fix(summary=f"{summary}{range_told} in the pod's securityContext ({owner})", owner=owner)
