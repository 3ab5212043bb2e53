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
from kubectl_refused.fixes.policy import allow
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import HANDSHAKE, NAMESPACE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.controls import control_proof
from kubectl_refused.trace.policies import Party, allows, selecting
from kubectl_refused.trace.proofs import field, packet

_DENIALS = frozenset({Outcome.TIMEOUT, Outcome.REJECTED, Outcome.DENIED, Outcome.UNREACHABLE})


@cause(
    "KR310", scope=Scope.ENDPOINT, reads={HANDSHAKE, NAMESPACE, POLICIES_IN}, produces=Symptom.SILENCE, since="0.1"
)
def egress_denied(scene: Scene) -> Iterator[Finding]:
    """Yield when policies on the client's side, evaluated, do not let it out to the endpoint."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome not in _DENIALS:
        return
    if not scene.vantage.is_pod:
        return
    client = scene.vantage.namespace or scene.target.namespace
    policies = scene.need(POLICIES_IN, NamespaceKey(client))
    closing = selecting(policies, "Egress", client, dict(scene.vantage.labels))
    space = pod.metadata.namespace
    seen = scene.maybe(NAMESPACE, NamespaceKey(space))
    labels = {"kubernetes.io/metadata.name": space} | ((seen.metadata.labels if seen else None) or {})
    receiver = Party(space, pod.metadata.labels or {}, labels, handshake.host)
    if not closing or allows(closing, "Egress", receiver, pod, handshake.port):
        return
    names = ", ".join(p.metadata.name for p in closing)
    first = f"networkpolicy/{closing[0].metadata.name}"
    says = f"{names} selects {_client(scene)}; no rule lets it out to {pod.metadata.name}:{handshake.port}"
    to = [{"podSelector": {"matchLabels": (scene.service.spec.selector if scene.service else None) or {}}}]
    rule = {"to": to, "ports": [{"protocol": "TCP", "port": handshake.port}]}
    yield Finding(
        where=first,
        says=f"{names} of namespace {client} does not let {_client(scene)} out on port {handshake.port}",
        headline=f"NetworkPolicy {names} does not let {_client(scene)} out",
        certainty=Certainty.PROVED,
        evidence=(field(scene, first, "spec.egress", None, says), packet(scene, handshake), *control_proof(scene)),
        fix=allow(scene, closing[0], "egress", rule),
    )


def _client(scene: Scene) -> str:
    return scene.vantage.who.replace("the probe", "the client")
