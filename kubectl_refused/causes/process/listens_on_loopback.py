"""The process listens on a loopback address only.

Why it refuses:
    Packets for the pod's address arrive on its own interface; the only socket on that port is bound to
    127.0.0.1 or ::1 (KR404), so the kernel answers RST. Inside the pod everything works, and so does port-forward,
    because it dials localhost in the pod's network namespace (kubernetes issue 87484). That difference proves it
    without sockets, unless a NetworkPolicy may reject, or the pod has addresses of both families.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp    # 0100007F:PORT in state 0A
Fix:
    Bind the server to 0.0.0.0, or to [::] for both families.
See:
    https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.bind import bind_everywhere
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import (
    FORWARD,
    HANDSHAKE,
    LISTENERS,
    LOG,
    POLICIES_IN,
    SEARCH,
    WORKLOAD,
    Dial,
    PodPort,
)
from kubectl_refused.model.objects import Container, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.containers import containers, said_listeners
from kubectl_refused.trace.localhost import found_port, not_comparable
from kubectl_refused.trace.proofs import field, packet, sockets
from kubectl_refused.trace.rejecters import may_be_rejected, no_policy
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import is_loopback, shown

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@cause(
    "KR403",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, FORWARD, SEARCH, LOG, POLICIES_IN, WORKLOAD},
    produces=Symptom.RST,
    since="0.1",
    also=("KR404",),
)
def listens_on_loopback(scene: Scene) -> Iterator[Finding]:
    """Yield when the port meant is bound to loopback addresses only; from the flags alone it is only likely."""
    pod, endpoint = scene.pod, scene.endpoint
    if pod is None or endpoint is None:
        return
    handshake = scene.dialled
    if handshake is None:
        yield from _said(scene, pod)
        return
    if handshake.outcome is not Outcome.REFUSED:
        return
    # Asked in this order, so that one round brings both: other causes ask for the sockets first.
    works = scene.maybe(FORWARD, PodPort(pod.metadata.namespace, pod.metadata.name, handshake.port))
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    accepted = works is not None and works.outcome is Outcome.ACCEPTED
    if listeners is None:
        yield from _by_port_forward(scene, pod, handshake) if accepted else _on_another_port(scene, pod, handshake)
        return
    mine = app_sockets(pod, listeners.sockets)
    here = [s for s in mine if s.port == handshake.port] or list(mine)
    if not here or not all(is_loopback(s.address) for s in here):
        return
    evidence: list[Evidence] = [sockets(pod, listeners), packet(scene, handshake)]
    evidence += [_witness(handshake.port)] if accepted else []
    yield _finding(scene, pod, here[0].port, evidence, Certainty.PROVED, shown(here), here[0].owner)


def _by_port_forward(scene: Scene, pod: Pod, refused: Handshake) -> Iterator[Finding]:
    """The pod's address refuses what its localhost accepts: proved where nobody else can have refused."""
    doubt = may_be_rejected(scene, pod) or not_comparable(scene, pod)
    evidence: list[Evidence] = [packet(scene, refused), _witness(refused.port)]
    evidence += [] if doubt else [no_policy(scene, pod)]
    certainty = Certainty.LIKELY if doubt else Certainty.PROVED
    yield _finding(scene, pod, refused.port, evidence, certainty, "localhost", doubt=doubt)


def _on_another_port(scene: Scene, pod: Pod, refused: Handshake) -> Iterator[Finding]:
    """The port that the app is on instead is itself open to localhost only."""
    found = found_port(scene, pod, refused)
    if found is None:
        return
    tried = scene.maybe(HANDSHAKE, Dial(refused.host, found.port, scene.vantage.key))
    if tried is not None and tried.outcome is Outcome.REFUSED:
        yield from _by_port_forward(scene, pod, tried)


def _said(scene: Scene, pod: Pod) -> Iterator[Finding]:
    """What the flags in a spec say, where nothing can be dialled or read."""
    for container in containers(pod):
        for host, port in said_listeners(container):
            if host in _LOOPBACK and not _served_beside(scene, pod, container):
                proof = field(
                    scene,
                    f"pod/{pod.metadata.name}",
                    "command",
                    port,
                    f"container {container.name} is told {host}:{port}",
                )
                yield _finding(scene, pod, port, [proof], Certainty.LIKELY, f"{host}:{port}")


def _served_beside(scene: Scene, pod: Pod, mine: Container) -> bool:
    """Whether the pod says that something else serves the port: an open listener, or another container's port."""
    aimed = scene.endpoint.port if scene.endpoint else None
    said = [said for container in containers(pod) for said in said_listeners(container)]
    others = [c for c in containers(pod) if c.name != mine.name]
    declared = {p.container_port for c in others for p in c.ports or ()}
    beside = any(port == aimed and host not in _LOOPBACK for host, port in said)
    return beside or (aimed in declared and not any(port == aimed for _, port in said_listeners(mine)))


def _witness(port: int) -> WitnessEvidence:
    return WitnessEvidence(
        witness="port-forward",
        subject=f"localhost:{port}",
        says=f"port-forward to {port} works, because it dials localhost inside the pod",
    )


def _finding(
    scene: Scene,
    pod: Pod,
    port: int,
    evidence: list[Evidence],
    certainty: Certainty,
    bound: str,
    owner: str = "",
    doubt: str = "",
) -> Finding:
    address = bound.rsplit(":", 1)[0] if ":" in bound else bound
    return Finding(
        where=f"port {port} of pod/{pod.metadata.name}",
        says=f"{owner or 'the process'} is on {bound} only"
        + (f", if its refusal is its own: {doubt}" if doubt else ""),
        headline=f"the app listens on {address} only",
        certainty=certainty,
        evidence=tuple(evidence),
        fix=bind_everywhere(scene, pod, port),
    )
