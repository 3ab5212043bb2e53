"""The client pings a ClusterIP, which answers no ICMP.

Why it refuses:
    It does not: TCP works. A ClusterIP is no machine: kube-proxy translates the Service's ports and nothing else,
    so an echo request gets no answer in iptables and nftables mode (kubernetes issue 119613; seen in both). In
    IPVS mode each node has the address itself, and may answer without any pod. A wait by ping never ends.
Confirm:
    kubectl exec CLIENT -- nc -zv NAME PORT    # TCP, where ping says nothing
Fix:
    Test the port (nc -z, curl, wget), not the address.
See:
    https://kubernetes.io/docs/reference/networking/virtual-ips/
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, PODS_IN
from kubectl_refused.model.objects import Container, Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.client_pods import client_pod, is_target
from kubectl_refused.trace.proofs import field, packet

_PING = lazily(r"\bping6?\b((?:\s+(?:-\S{1,40}|\d{1,6}))*)\s+([A-Za-z0-9][A-Za-z0-9.:-]{0,252})")
MOST_CHARACTERS = 4000


class _Ping(Struct, frozen=True):
    """Where the client's spec pings: its container, the field of the spec, and the words."""

    container: str
    field: str
    words: str
    init: bool


@cause("KR111", scope=Scope.ROUTE, reads={HANDSHAKE, PODS_IN}, since="0.2", needs_symptom=True, note=True)
def cluster_ip_answers_no_ping(scene: Scene) -> Iterator[Finding]:
    """Yield when the client's spec pings the Service, whose port accepts; proved where it waits for that."""
    dial = scene.entrance_dial
    if scene.from_files or dial is None or scene.vantage.kind not in ("client", "stand-in"):
        return
    pod, accepted = client_pod(scene), scene.maybe(HANDSHAKE, dial)
    if pod is None or accepted is None or accepted.outcome is not Outcome.ACCEPTED:
        return
    for ping in _pings(scene, pod):
        subject = f"pod/{pod.metadata.name}"
        what = f"{'init container' if ping.init else 'container'} {ping.container} of {subject}"
        yield Finding(
            where=what,
            says=f"{what} pings svc/{scene.target.name}: a ClusterIP answers no ICMP, its TCP port works",
            certainty=Certainty.PROVED if ping.init and _waits(pod, ping.container) else Certainty.LIKELY,
            evidence=(
                field(scene, subject, ping.field, ping.words, f"{ping.container} runs {ping.words}"),
                packet(scene, accepted),
            ),
            fix=Fix(summary=f"Test the port instead of the address: nc -z {scene.target.name} {dial.port}"),
        )
        return


def _pings(scene: Scene, pod: Pod) -> Iterator[_Ping]:
    main = ((c, "containers", False) for c in pod.spec.containers or ())
    for container, listed, init in (*((c, "initContainers", True) for c in pod.spec.init_containers or ()), *main):
        for part, text in _texts(container):
            for found in _PING.finditer(text[:MOST_CHARACTERS]):
                if is_target(scene, found[2].rstrip(".")):
                    path = f"spec.{listed}[{container.name}].{part}"
                    yield _Ping(container.name, path, one_line(found[0], 80), init)


def _texts(container: Container) -> Iterator[tuple[str, str]]:
    yield "command", " ".join((*(container.command or ()), *(container.args or ())))
    probes = (("readinessProbe", container.readiness_probe), ("livenessProbe", container.liveness_probe))
    for name, probe in (*probes, ("startupProbe", container.startup_probe)):
        if probe and probe.exec:
            yield name, " ".join(probe.exec.command or ())


def _waits(pod: Pod, name: str) -> bool:
    """Whether the init container runs, and so holds its pod back."""
    statuses = (pod.status.init_container_statuses if pod.status else None) or ()
    return any(s.name == name and s.state.running for s in statuses)
