"""The process listens on one IP family only, and not on the one that is dialled.

Why it refuses:
    A socket bound to 0.0.0.0 takes no IPv6; one bound to [::] takes IPv4 too unless IPV6_V6ONLY is set, as
    nginx does by default (KR406; ipv6(7)). Packets of the other family meet no socket: the kernel answers RST.
    /proc/net/tcp6 does not show that flag; a dial of 127.0.0.1 from inside the pod tells it.
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/tcp6    # the port stands in one of them only
Fix:
    Listen on [::] without IPV6_V6ONLY, or on both families.
See:
    https://man7.org/linux/man-pages/man7/ipv6.7.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, INSIDE, LISTENERS, WORKLOAD, InsideDial
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome, Socket
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.proofs import packet, sockets
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import Standing, shown, standing


@cause(
    "KR405",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, INSIDE, WORKLOAD},
    produces=Symptom.RST,
    since="0.1",
    needs_symptom=True,
    also=("KR406",),
)
def listens_on_one_family(scene: Scene) -> Iterator[Finding]:
    """Yield when the port is open to the other family only.

    An IPv6 wildcard takes IPv4 too unless IPV6_V6ONLY is set: a refusal of 127.0.0.1 inside the pod proves the
    flag, an accept that somebody else sent the RST. Where nobody can dial there it is only likely.
    """
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome is not Outcome.REFUSED:
        return
    listeners = scene.need(LISTENERS, pod_key(pod))
    here = tuple(s for s in app_sockets(pod, listeners.sockets) if s.port == handshake.port)
    if not _one_family(here, handshake.host, handshake.port):
        return
    has, lacks = ("IPv4", "IPv6") if ":" in handshake.host else ("IPv6", "IPv4")
    evidence: list[Evidence] = [sockets(pod, listeners), packet(scene, handshake)]
    proved = lacks == "IPv6" or any(s.v6only for s in here)
    if not proved:
        inside = scene.maybe(
            INSIDE, InsideDial(pod.metadata.namespace, pod.metadata.name, "127.0.0.1", handshake.port)
        )
        if inside is not None and inside.outcome is Outcome.ACCEPTED:
            return
        proved = inside is not None and inside.outcome is Outcome.REFUSED
        evidence += [_flag(pod, inside)] if inside is not None and proved else []
    kind, metadata, _ = workload_of(scene, pod)
    owner = next((s.owner for s in here if s.owner), "the process")
    yield Finding(
        where=f"port {handshake.port} of pod/{pod.metadata.name}",
        says=f"{owner} is on {shown(here)}, {has} only; {handshake.host} is {lacks}",
        headline=f"the app listens on {has} only",
        certainty=Certainty.PROVED if proved else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Listen on {lacks} too: bind to [::]:{handshake.port} without IPV6_V6ONLY",
            owner=named(kind, metadata.name),
        ),
    )


def _flag(pod: Pod, inside: Handshake) -> WitnessEvidence:
    says = f"inside the pod 127.0.0.1:{inside.port} is refused too: IPV6_V6ONLY is set"
    return WitnessEvidence(witness=inside.witness, subject=f"pod/{pod.metadata.name}", says=says)


def _one_family(here: tuple[Socket, ...], address: str, port: int) -> bool:
    """Whether packets for `address` meet no socket, though a wildcard of the other family has the port."""
    told = standing(here, address, port)
    if told is Standing.OTHER_FAMILY:
        return True
    # [::] counts as open to IPv4 where the flag is not known; the RST says that it is not.
    return told is Standing.OPEN and ":" not in address and all(":" in s.address for s in here)
