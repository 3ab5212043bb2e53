"""A NetworkPolicy's rule nearly lets the client through: one part does not fit.

Why it refuses:
    A rule lets through what fits its peers and its ports, to the letter. Slips that are seen often: the name of a
    port that the pod's containers do not declare; UDP for TCP; a namespaceSelector for a label that the namespace
    lacks (`name: shop`, where the cluster itself only writes `kubernetes.io/metadata.name`); a podSelector alone,
    which means pods of the policy's own namespace; namespaceSelector and podSelector in one peer, where both must
    hold, for two peers, where either is enough; an ipBlock with the address of a Service or a node, while policies
    see the pods' own addresses. Or the whole policy is for other pods by a slip in its own podSelector.
Confirm:
    kubectl get networkpolicy POLICY -o yaml; kubectl get namespace NAMESPACE --show-labels
Fix:
    Mend that part of the rule, or the policy's podSelector.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.policy import amended
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, NAMESPACE, NODE, POLICIES_IN, NamespaceKey, NodeKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.denials import Denial, client_told, egress_denial, ingress_denial
from kubectl_refused.trace.near_rules import NearRule, near_proof, nearest_rule, nearest_selector
from kubectl_refused.trace.policies import rules_of


@cause(
    "KR312",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, NAMESPACE, NODE, POLICIES_IN},
    produces={Symptom.SILENCE, Symptom.DENIAL},
    since="0.2",
    needs_symptom=True,
)
def policy_nearly_allows(scene: Scene) -> Iterator[Finding]:
    """Yield when the policies deny the client, and some rule there would let it through but for one slip."""
    for denial in (ingress_denial(scene), egress_denial(scene)):
        if denial is None:
            continue
        # A plain probe's labels are ours: who compares them with a rule compares nothing.
        own = scene.vantage.kind in ("client", "stand-in") or denial.direction == "Egress"
        near = _nearest_selector(scene, denial) if own or denial.direction == "Ingress" else None
        near = near or nearest_rule(denial, own_labels=own, elsewhere=_elsewhere(scene, denial))
        if near:
            yield _finding(scene, denial, near)


def _nearest_selector(scene: Scene, denial: Denial) -> NearRule | None:
    """A policy beside those that close: it was to select the same pod."""
    namespace, own = denial.policies[0].metadata.namespace, dict(scene.vantage.labels)
    policies = scene.maybe(POLICIES_IN, NamespaceKey(namespace)) or ()
    if denial.direction == "Ingress":
        return nearest_selector(denial, policies, denial.pod.metadata.labels, f"pod/{denial.pod.metadata.name}")
    return nearest_selector(denial, policies, own, scene.vantage.who)


def _elsewhere(scene: Scene, denial: Denial) -> list[tuple[str, str]]:
    """Addresses that people write into ipBlocks in place of the pods' own."""
    ends = [(scene.entrance, f"the ClusterIP of svc/{scene.target.name}")] if denial.direction == "Egress" else []
    node = scene.vantage.node if denial.direction == "Ingress" else denial.pod.spec.node_name
    rules = [rule for policy in denial.policies for rule in rules_of(policy, denial.direction)]
    blocks = any(peer.ip_block for peers, _ in rules for peer in peers or ())
    seen = scene.maybe(NODE, NodeKey(node)) if node and blocks else None
    addresses = (seen.status.addresses if seen else None) or ()
    return ends + [(one.address, f"an address of {node}") for one in addresses if one.type == "InternalIP"]


def _finding(scene: Scene, denial: Denial, near: NearRule) -> Finding:
    name = near.policy.metadata.name
    subject = f"networkpolicy/{name}"
    through = "in" if denial.direction == "Ingress" else "out"
    who = client_told(scene)
    return Finding(
        where=subject,
        says=f"a rule nearly lets {who} {through}: {near.says}",
        headline=f"NetworkPolicy {name} nearly lets {scene.vantage.who} {through}: {near.says}",
        certainty=denial.certainty,
        evidence=(near_proof(scene, near), *denial.evidence),
        fix=amended(scene, near),
    )
