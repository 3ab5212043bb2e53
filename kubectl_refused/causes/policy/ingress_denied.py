"""A NetworkPolicy of the target's namespace does not let this client in.

Why it refuses:
    Once any policy selects a pod for ingress, only what some rule allows gets in. What the client sees depends
    on who enforces it: most drop (silence, a timeout); kube-router rejects with ICMP port unreachable, which
    reads as "refused" (kube-router pkg/controllers/netpol/pod.go).
Confirm:
    kubectl get networkpolicy -n NAMESPACE -o yaml    # which select the pod, and what their rules allow
Fix:
    Add a rule that lets the client in on the pod's port (not the Service's).
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.policy import allow
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.controls import control_proof
from kubectl_refused.trace.offenders import rst_told
from kubectl_refused.trace.policies import Party, allows, lets_in, selecting
from kubectl_refused.trace.proofs import field, packet, sockets, source_address
from kubectl_refused.trace.sockets import Standing, standing

# What an enforcer makes of a denied SYN: silence, an ICMP error, or a forged RST.
_DENIALS = frozenset({Outcome.TIMEOUT, Outcome.REJECTED, Outcome.REFUSED, Outcome.UNREACHABLE})


@cause(
    "KR309",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN},
    produces=Symptom.SILENCE,
    since="0.1",
)
def ingress_denied(scene: Scene) -> Iterator[Finding]:
    """Yield when the policies, evaluated for the client, deny it and its dial ended as a denial does."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome not in _DENIALS:
        return
    if pod.spec.host_network:
        return  # policies do not apply to pods on the node's network
    if not scene.vantage.is_pod:
        return  # policies are evaluated for pods; the API server's own address tells nothing
    namespace = pod.metadata.namespace
    policies = scene.need(POLICIES_IN, NamespaceKey(namespace))
    closing = selecting(policies, "Ingress", namespace, pod.metadata.labels)
    if not closing or allows(closing, "Ingress", client(scene, handshake), pod, handshake.port):
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    seen = standing(listeners.sockets, handshake.host, handshake.port) if listeners else None
    if handshake.outcome is Outcome.REFUSED and seen is not Standing.OPEN:
        return  # an RST is the pod's own unless its sockets say that somebody listens
    names = ", ".join(p.metadata.name for p in closing)
    evidence: list[Evidence] = [
        field(
            scene,
            f"networkpolicy/{closing[0].metadata.name}",
            "spec.ingress",
            None,
            f"{names} selects {pod.metadata.name}; no rule lets {_told(scene)} in on port {handshake.port}",
        ),
        packet(scene, handshake),
    ]
    evidence += [sockets(pod, listeners)] if listeners else []
    shown = control_proof(scene)
    evidence += [*shown, *_forged(scene, handshake, pod)]
    rule = {"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": handshake.port}]}
    yield Finding(
        where=f"networkpolicy/{closing[0].metadata.name}",
        says=f"{names} does not let {_told(scene)} in on port {handshake.port}; {lets_in(closing)}",
        headline=f"NetworkPolicy {names} does not let {scene.vantage.who} in ({lets_in(closing)})",
        certainty=Certainty.PROVED if listeners or shown else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=allow(scene, closing[0], "ingress", rule),
    )


def _forged(scene: Scene, handshake: Handshake, pod: Pod) -> list[Evidence]:
    """Who sent an RST that is not the pod's own, where its distance tells."""
    told = rst_told(handshake, scene, pod)
    return [WitnessEvidence(witness=handshake.witness, subject=scene.vantage.node, says=told)] if told else []


def client(scene: Scene, handshake: Handshake) -> Party:
    """The client of this dial as policies see it. Every namespace carries its own name as a label since 1.21."""
    namespace = scene.vantage.namespace or scene.target.namespace
    seen = scene.maybe(NAMESPACE, NamespaceKey(namespace))
    labels = {"kubernetes.io/metadata.name": namespace} | ((seen.metadata.labels if seen else None) or {})
    return Party(namespace, dict(scene.vantage.labels), labels, source_address(scene, handshake))


def _told(scene: Scene) -> str:
    who = scene.vantage.who.replace("the probe", "the probe pod")
    return f"{who} of namespace {scene.vantage.namespace or scene.target.namespace}"
