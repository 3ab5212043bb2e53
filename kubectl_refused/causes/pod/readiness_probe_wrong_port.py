"""The readiness probe dials a port that nobody listens on.

Why it refuses:
    The kubelet dials the pod's address on the probe's port, the kernel answers RST, and the pod never becomes
    ready although its process is well. So its endpoint gets no traffic (kubernetes issue 24364).
Confirm:
    kubectl describe pod POD    # Readiness probe failed: dial tcp ADDRESS:PORT: connect: connection refused
Fix:
    Point the probe at the port the process listens on.
See:
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.probe import probe_port_change
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, SocketEvidence
from kubectl_refused.model.facts import EVENTS, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Container, Pod, ServicePort
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.containers import resolve_target_port, said_ports
from kubectl_refused.trace.probing import Probing, unready_probes
from kubectl_refused.trace.proofs import field, sockets
from kubectl_refused.trace.sockets import Standing, likeliest_port, reachable_ports, standing
from kubectl_refused.trace.testimonies import event_said, events_saying


@cause(
    "KR211",
    scope=Scope.POD,
    reads={EVENTS, LISTENERS, WORKLOAD},
    produces=Symptom.NOT_READY,
    since="0.1",
    needs_symptom=True,
)
def readiness_probe_wrong_port(scene: Scene) -> Iterator[Finding]:
    """Yield when the probe's port is shut and another one is open: sockets prove it, events make it likely."""
    pod = scene.pod
    if pod is None or pod.status is None or not pod.status.pod_ip:
        return
    for probing in unready_probes(pod):
        if probing.number is None:
            continue
        refused = events_saying(scene, pod, rf":{probing.number}\b.*connection refused")
        evidence: list[Evidence] = [_dials(scene, pod, probing), *(event_said(pod, e) for e in refused[-1:])]
        listeners = scene.maybe(LISTENERS, pod_key(pod))
        if listeners is not None:
            meant = _open(pod, probing.number, listeners)
            evidence.insert(1, sockets(pod, listeners))
        else:
            meant = _served(scene, pod, probing.number) if refused else None
        if meant is not None:
            # Where the Service sends to the very port the probe dials, the app may just not be up yet.
            proved = listeners is not None and _aimed(scene, pod) != probing.number
            certainty = Certainty.PROVED if proved else Certainty.LIKELY
            yield _finding(scene, pod, probing, meant, evidence, certainty)


def _open(pod: Pod, dialled: int, listeners: Listeners) -> int | None:
    """The port the process listens on instead; None where the probe's port is bound, or nothing is open."""
    address = pod.status.pod_ip if pod.status else None
    if not address or standing(listeners.sockets, address, dialled) is not Standing.ABSENT:
        return None
    # Where all are shut to the pod's address, that is a fault of its own; the probe's port is wrong all the same.
    ports = reachable_ports(listeners.sockets, address) or [s.port for s in listeners.sockets]
    return likeliest_port(ports, said_ports(pod))


def _served(scene: Scene, pod: Pod, dialled: int) -> int | None:
    """Where sockets cannot be read: the port the Service sends to, if it is another one."""
    aimed = _aimed(scene, pod)
    return aimed if aimed != dialled else None


def _aimed(scene: Scene, pod: Pod) -> int | None:
    return resolve_target_port(pod, scene.port) if scene.port else None


def _dials(scene: Scene, pod: Pod, probing: Probing) -> Evidence:
    named = f" ({probing.port})" if isinstance(probing.port, str) else ""
    says = f"the {probing.field} of container {probing.container.name} dials {probing.number}{named}"
    return field(scene, f"pod/{pod.metadata.name}", f"spec.containers[].{probing.field}", probing.port, says)


def _finding(
    scene: Scene, pod: Pod, probing: Probing, meant: int, evidence: list[Evidence], certainty: Certainty
) -> Finding:
    container: Container = probing.container
    read = any(isinstance(e, SocketEvidence) for e in evidence)
    listens = f"the app listens on {meant}" if read else f"the Service sends to {meant}"
    fix = probe_port_change(scene, pod, container, field=probing.field, probe=probing.probe, meant=meant)
    return Finding(
        where=f"container {container.name} of pod/{pod.metadata.name}",
        says=f"{probing.field} port {probing.number}; {listens}",
        headline=f"the {probing.kind} probe dials {probing.number}, {listens}",
        certainty=certainty,
        evidence=tuple(evidence),
        fix=replace(fix, leads_to=destinations(scene, [pod], ServicePort(port=meant))),
    )
