"""Who besides a pod's own kernel could have refused a dial of its address. Pure.

A client cannot tell an RST of the pod from a forged one, and the API server's proxies tell neither from an ICMP
reject. What can reject in front of a pod is a NetworkPolicy that selects it (kube-router rejects, where others
drop), or for the node's own addresses the node's firewall.
"""

from __future__ import annotations

from kubectl_refused.model.evidence import ObjectEvidence
from kubectl_refused.model.facts import POLICIES_IN, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene

from .policies import selecting
from .proofs import field


def may_be_rejected(scene: Scene, pod: Pod) -> str:
    """Why a refusal may not be the pod's own, as one clause; empty where nothing known could have made it.

    Raises Undecided while the policies were not asked for.
    """
    if pod.spec.host_network:
        return "its node's firewall may reject"
    space = pod.metadata.namespace
    policies = scene.maybe(POLICIES_IN, NamespaceKey(space))
    if policies is None:
        return "NetworkPolicies could not be read"
    closing = selecting(policies, "Ingress", space, pod.metadata.labels)
    if scene.vantage.kind != "apiserver" and scene.vantage.namespace:
        home = scene.vantage.namespace
        more = policies if home == space else scene.maybe(POLICIES_IN, NamespaceKey(home))
        if more is None:
            return f"NetworkPolicies of {home} could not be read"
        closing += selecting(more, "Egress", home, dict(scene.vantage.labels))
    return f"NetworkPolicy {closing[0].metadata.name} may reject" if closing else ""


def no_policy(scene: Scene, pod: Pod) -> ObjectEvidence:
    """That nothing known rejects in front of the pod, so that the refusal is its own kernel's."""
    says = f"no NetworkPolicy selects {pod.metadata.name}: the refusal is its own"
    return field(scene, f"pod/{pod.metadata.name}", "metadata.labels", None, says)
