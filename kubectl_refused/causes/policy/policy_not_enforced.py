"""A NetworkPolicy denies this client by its words, and nobody enforces it.

Why it refuses:
    It does not: that is the point. NetworkPolicies are words until the network plugin enforces them. Some plugins
    (flannel; in some clouds until a switch is set) ignore them, and what they do for pods on their node's own
    network is undefined by the API: most do nothing. What looks closed is open, and closes on the day that an
    enforcer moves in.
Confirm:
    kubectl get pods -n kube-system -o wide    # which network plugin runs, and whether it enforces NetworkPolicies
Fix:
    Use a network plugin that enforces NetworkPolicies, or write a rule for what is meant to get in.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#prerequisites
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NAMESPACE, PODS_IN, POLICIES_IN, NamespaceKey
from kubectl_refused.model.objects import NetworkPolicy, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.client_pods import client_pod
from kubectl_refused.trace.denials import client_party, client_told
from kubectl_refused.trace.policies import allows, lets_in, rules_of, selecting
from kubectl_refused.trace.proofs import field, packet
from kubectl_refused.trace.statuses import seconds

# Enforcers take a while to follow: a younger policy may only not be in force yet.
YOUNG = 30.0


@cause(
    "KR313",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, NAMESPACE, PODS_IN, POLICIES_IN},
    since="0.2",
    needs_symptom=True,
    note=True,
)
def policy_not_enforced(scene: Scene) -> Iterator[Finding]:
    """Yield for the first endpoint that accepted a client whom the policies of the target's namespace deny."""
    if not scene.vantage.is_pod:
        return
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        dialled = view.dialled
        # A pod is always let through to itself.
        if dialled is None or endpoint.pod is None or endpoint.address == scene.vantage.address:
            continue
        if dialled.outcome is Outcome.ACCEPTED and dialled.first_hand:
            yield from _denied(view, endpoint.pod, dialled)
            return


def _denied(scene: Scene, pod: Pod, dialled: Handshake) -> Iterator[Finding]:
    namespace = pod.metadata.namespace
    # A path that works costs no further read, unless a client was named: its policies are what is asked about.
    named, key = scene.vantage.kind in ("client", "stand-in"), NamespaceKey(namespace)
    policies = scene.need(POLICIES_IN, key) if named else scene.known(POLICIES_IN, key)
    closing = selecting(policies or (), "Ingress", namespace, pod.metadata.labels)
    if not closing or _on_its_node(scene) or (not pod.spec.host_network and _too_young(scene, closing)):
        return
    # Rules go by the labels of the client's namespace: without them nothing is said.
    scene.need(NAMESPACE, NamespaceKey(scene.vantage.namespace or scene.target.namespace))
    if allows(closing, "Ingress", client_party(scene, dialled), pod, dialled.port):
        return
    yield _finding(scene, pod, dialled, closing)


def _on_its_node(scene: Scene) -> bool:
    """Whether the client stands on its node's network, where no policy knows it by its labels."""
    client = client_pod(scene)
    return client is not None and bool(client.spec.host_network)


def _too_young(scene: Scene, closing: Sequence[NetworkPolicy]) -> bool:
    """Whether one of them was written a moment ago."""
    made = [seconds(policy.metadata.creation_timestamp) for policy in closing]
    return any(at is not None and scene.snapshot.taken - at < YOUNG for at in made)


def _finding(scene: Scene, pod: Pod, dialled: Handshake, closing: Sequence[NetworkPolicy]) -> Finding:
    names, who = ", ".join(p.metadata.name for p in closing), client_told(scene)
    subject = f"networkpolicy/{closing[0].metadata.name}"
    says = f"{names} selects {pod.metadata.name}; {lets_in(closing)}"
    told = f"NetworkPolicy {names} does not let {who} in on port {dialled.port}, and nobody enforces it"
    advice = "Use a network plugin that enforces NetworkPolicies"
    if pod.spec.host_network:
        advice = "Take the pod off its node's network, or guard it with a firewall of the node"
    return Finding(
        where=subject,
        says=told + (f": pod/{pod.metadata.name} is on its node's network" if pod.spec.host_network else ""),
        # An address that is rewritten on the way may be one that a block of addresses lets in.
        certainty=Certainty.LIKELY if any(_by_address(p) for p in closing) else Certainty.PROVED,
        evidence=(field(scene, subject, "spec.ingress", None, says), packet(scene, dialled)),
        fix=Fix(summary=f"{advice}, or let {who} in by a rule"),
    )


def _by_address(policy: NetworkPolicy) -> bool:
    return any(peer.ip_block for peers, _ in rules_of(policy, "Ingress") for peer in peers or ())
