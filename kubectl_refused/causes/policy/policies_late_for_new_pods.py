"""A new pod is denied in its first moment, until the network plugin has seen it.

Why it refuses:
    A rule lets pods in by their labels; the enforcer turns that into addresses, and learns a new pod's address
    from the API only after the pod has started. Until then the pod is nobody: dropped or refused, though every
    policy allows it. A program that dials at once and does not try again (a migration Job, an init container, a
    CronJob) ends with "connection refused" or a timeout, and by hand it always works. Seen on a real cluster whose
    enforcer rejects: the client's dial in its first moment was refused, as was that of a pod like it, while 1.5 s
    after the start it was accepted. Some plugins hold a pod back until its rules are there, and have no such gap.
Confirm:
    kubectl run race --rm -it --restart=Never --labels=LABELS --image=busybox -- nc -v -w 1 SERVICE PORT
Fix:
    Let the client try again for some seconds, or wait for its Service in an init container.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-pods
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, PacketEvidence
from kubectl_refused.model.facts import EARLY, HANDSHAKE, PODS_IN, POLICIES_IN, NamespaceKey
from kubectl_refused.model.objects import ContainerStateTerminated, NetworkPolicy, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.client_pods import client_pod
from kubectl_refused.trace.policies import selecting
from kubectl_refused.trace.proofs import field, packet
from kubectl_refused.trace.statuses import seconds

# Of a program that dialled in its first moment, and what it waited for.
YOUNG = 15.0
# A SYN that was dropped is sent again after a second (RFC 6298 2.1).
AGAIN = 0.9
_DENIED = frozenset({Outcome.REFUSED, Outcome.REJECTED, Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.DENIED})


@cause(
    "KR314",
    scope=Scope.ROUTE,
    reads={EARLY, HANDSHAKE, PODS_IN, POLICIES_IN},
    produces={Symptom.SILENCE, Symptom.REJECT},
    since="0.2",
    needs_symptom=True,
)
def policies_late_for_new_pods(scene: Scene) -> Iterator[Finding]:
    """Yield when a client ended young, a later dial gets in, and that of a pod in its first moment does not."""
    # Who dials by itself is alive: only of those that ended it is asked.
    ended_client = scene.vantage.kind == "stand-in" and scene.ready_endpoints
    client = client_pod(scene) if ended_client else None
    ended = died_young(client) if client else None
    if client is None or ended is None:
        return
    for endpoint in scene.ready_endpoints[:1]:
        view = scene.at_endpoint(endpoint)
        later, closing = view.dialled, _closing(view)
        if later is None or later.outcome is not Outcome.ACCEPTED or later.seconds >= AGAIN or not closing:
            return
        early = scene.maybe(EARLY, view.endpoint_dial)
        if early is not None and (early.outcome in _DENIED or early.seconds >= AGAIN):
            yield _finding(view, client, ended, early, later, closing)


def died_young(pod: Pod) -> ContainerStateTerminated | None:
    """How a container of the pod failed within its first seconds, None where none did."""
    for status in (pod.status.container_statuses if pod.status else None) or ():
        for ended in (status.state.terminated, status.last_state.terminated):
            since, until = (seconds(ended.started_at), seconds(ended.finished_at)) if ended else (None, None)
            if ended and ended.exit_code and since is not None and until is not None and until - since <= YOUNG:
                return ended
    return None


def _closing(scene: Scene) -> tuple[NetworkPolicy, ...]:
    """The policies that judge the dial, on the pod's side or the client's."""
    pod, home = scene.pod, scene.vantage.namespace or scene.target.namespace
    if pod is None:
        return ()
    space = pod.metadata.namespace
    inward = scene.maybe(POLICIES_IN, NamespaceKey(space)) or ()
    outward = scene.maybe(POLICIES_IN, NamespaceKey(home)) or ()
    into = selecting(inward, "Ingress", space, pod.metadata.labels)
    return (*into, *selecting(outward, "Egress", home, dict(scene.vantage.labels)))


def _finding(
    scene: Scene,
    client: Pod,
    ended: ContainerStateTerminated,
    early: Handshake,
    later: Handshake,
    closing: tuple[NetworkPolicy, ...],
) -> Finding:
    name, policy = client.metadata.name, closing[0].metadata.name
    told = packet(scene, early)
    how = "got in only with its second SYN" if early.outcome is Outcome.ACCEPTED else told.says
    first = PacketEvidence(
        witness=told.witness,
        subject=told.subject,
        says=f"a pod like {name}, dialling in its first moment: {how}",
        address=told.address,
        outcome=told.outcome,
        seconds=told.seconds,
        offender=told.offender,
    )
    died = f"a container of {name} ended within {YOUNG:.0f} s of its start with exit code {ended.exit_code}"
    proof: list[Evidence] = [first, packet(scene, later)]
    proof.append(field(scene, f"pod/{name}", "status.containerStatuses", ended.exit_code, died))
    proof.append(
        field(scene, f"networkpolicy/{policy}", "spec", None, f"{policy} allows {name}, once it is known")
    )
    return Finding(
        where=f"pod/{name}",
        says=f"a pod like {name} is denied in its first moment and gets in later: policies hold late for new pods",
        headline=f"{scene.vantage.who} is denied in its first moment only, until its policies are in force",
        # That the program's own dial was what ended it, its exit alone does not tell.
        certainty=Certainty.LIKELY,
        evidence=tuple(proof),
        fix=Fix(summary=f"Let {name} try again for some seconds before it gives up, or wait in an init container"),
    )
