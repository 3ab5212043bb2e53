"""A NetworkPolicy of the client's namespace does not let it out to this pod.

Why it refuses:
    Once any policy selects the client for egress, it reaches only what some rule allows, by the address and
    port of the pod behind the Service (translation comes first). Most enforcers drop: the client sees silence.
Confirm:
    kubectl get networkpolicy -n CLIENT_NAMESPACE -o yaml    # which select the client for Egress
Fix:
    Add an egress rule for the pod's port (not the Service's).
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.policy import allow, pods
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import HANDSHAKE, NAMESPACE, POLICIES_IN
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.denials import egress_denial
from kubectl_refused.trace.proofs import field


@cause(
    "KR310",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, NAMESPACE, POLICIES_IN},
    produces=Symptom.SILENCE,
    # Where one rule is found that was to let the client out, its fault is the sharper word.
    shows=Symptom.DENIAL,
    since="0.1",
    needs_symptom=True,
)
def egress_denied(scene: Scene) -> Iterator[Finding]:
    """Yield when policies on the client's side, evaluated, do not let it out to the endpoint."""
    denial = egress_denial(scene)
    if denial is None:
        return
    names, who, first = denial.names, _client(scene), denial.policies[0]
    home, subject = first.metadata.namespace, f"networkpolicy/{first.metadata.name}"
    says = f"{names} selects {who}; no rule lets it out to {denial.pod.metadata.name}:{denial.port}"
    to = pods(first, denial.peer.namespace, scene.service.spec.selector if scene.service else None)
    rule = {"to": [to], "ports": [{"protocol": "TCP", "port": denial.port}]}
    yield Finding(
        where=subject,
        says=f"{names} of namespace {home} does not let {who} out on port {denial.port}",
        headline=f"NetworkPolicy {names} does not let {who} out",
        certainty=denial.certainty,
        evidence=(field(scene, subject, "spec.egress", None, says), *denial.evidence),
        fix=allow(scene, first, "egress", rule),
    )


def _client(scene: Scene) -> str:
    return scene.vantage.who.replace("the probe", "the client")
