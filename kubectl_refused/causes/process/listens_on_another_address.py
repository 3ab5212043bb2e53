"""The process is bound to an address that is not the pod's.

Why it refuses:
    Packets for the pod's address match no socket: the only one on that port is bound to another address,
    often an earlier pod's or one written into a configuration. The kernel answers RST.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp    # the local address of the LISTEN line, hexadecimal
Fix:
    Bind the server to 0.0.0.0 (or [::]), or to status.podIP from the downward API.
See:
    https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, WORKLOAD
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import Standing, shown, standing


@cause(
    "KR407",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, WORKLOAD},
    produces=Symptom.RST,
    since="0.1",
    needs_symptom=True,
)
def listens_on_another_address(scene: Scene) -> Iterator[Finding]:
    """Yield when every socket on the port is bound to addresses that are neither the pod's nor loopback."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.REFUSED:
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    mine = app_sockets(pod, listeners.sockets)
    if standing(mine, handshake.host, handshake.port) is not Standing.OTHER_ADDRESS:
        return
    here = [s for s in mine if s.port == handshake.port]
    kind, metadata, _ = workload_of(scene, pod)
    owner = next((s.owner for s in here if s.owner), "the process")
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{owner} is on {shown(here)}; the pod's address is {handshake.host}",
        headline=f"the app listens on {here[0].address}, which is not the pod's address",
        evidence=(sockets(pod, listeners), packet(scene, handshake)),
        fix=Fix(summary=f"Bind the server to 0.0.0.0:{handshake.port}", owner=named(kind, metadata.name)),
    )
