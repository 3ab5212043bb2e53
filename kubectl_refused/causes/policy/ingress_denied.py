"""A NetworkPolicy of the target's namespace does not let this client in.

Why it refuses:
    Once any policy selects a pod for ingress, only what some rule allows gets in. What the client sees depends
    on who enforces it: most drop (silence, a timeout); kube-router rejects with ICMP port unreachable, which
    reads as "refused" (kube-router pkg/controllers/netpol/pod.go).
Confirm:
    kubectl get networkpolicy -n NAMESPACE -o yaml    # which select the pod, and what their rules allow
Fix:
    Add a rule that lets the client in on the pod's port (not the Service's). Where nothing listens on that one,
    the rule told names the port the app is on as well: it stays right once targetPort is.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.policy import allow, pods
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.candidate_ports import own_ports
from kubectl_refused.trace.controls import lasting_labels
from kubectl_refused.trace.denials import Denial, client_told, ingress_denial
from kubectl_refused.trace.policies import lets_in
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.sockets import Standing, standing


@cause(
    "KR309",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN},
    produces=Symptom.SILENCE,
    # Where one rule is found that was to let the client in, its fault is the sharper word.
    shows=Symptom.DENIAL,
    since="0.1",
    needs_symptom=True,
)
def ingress_denied(scene: Scene) -> Iterator[Finding]:
    """Yield when the policies, evaluated for the client, deny it and its dial ended as a denial does."""
    denial = ingress_denial(scene)
    if denial is None:
        return
    names, who, first = denial.names, client_told(scene), denial.policies[0]
    subject = f"networkpolicy/{first.metadata.name}"
    says = f"{names} selects {denial.pod.metadata.name}; no rule lets {who} in on port {denial.port}"
    rule = {
        "from": [pods(first, denial.peer.namespace, lasting_labels(scene))],
        "ports": [{"protocol": "TCP", "port": port} for port in _ports(scene, denial)],
    }
    yield Finding(
        where=subject,
        says=f"{names} does not let {who} in on port {denial.port}; {lets_in(denial.policies)}",
        headline=f"NetworkPolicy {names} does not let {scene.vantage.who} in ({lets_in(denial.policies)})",
        certainty=denial.certainty,
        evidence=(field(scene, subject, "spec.ingress", None, says), *denial.evidence),
        fix=allow(scene, first, "ingress", rule),
    )


def _ports(scene: Scene, denial: Denial) -> tuple[int, ...]:
    """The port that is dialled; where nothing listens on it, the one as well that it will be set to."""
    listeners = scene.known(LISTENERS, pod_key(denial.pod))
    address = scene.endpoint.address if scene.endpoint else ""
    if listeners is None or standing(listeners.sockets, address, denial.port) is not Standing.ABSENT:
        return (denial.port,)
    return (denial.port, *own_ports(denial.pod, listeners.sockets, address)[:1])
