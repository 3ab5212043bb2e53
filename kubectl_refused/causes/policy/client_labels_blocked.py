"""Something blocks this client by its labels, and no readable NetworkPolicy does.

Why it refuses:
    Clusters judge clients by more than NetworkPolicies: CiliumNetworkPolicy, Calico's own policies,
    AdminNetworkPolicy, mesh authorization. Each selects pods by labels; most drop what they deny (silence).
Confirm:
    kubectl api-resources | grep -i polic    # which kinds of policies there are; then look at each
Fix:
    Allow the client's labels in the policy that selects them.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.controls import control_proof, labels_judged
from kubectl_refused.trace.proofs import packet

_DENIALS = frozenset(
    {Outcome.TIMEOUT, Outcome.REJECTED, Outcome.REFUSED, Outcome.RESET, Outcome.UNREACHABLE, Outcome.DENIED}
)


@cause(
    "KR315",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, POLICIES_IN},
    produces=Symptom.SILENCE,
    # What a NetworkPolicy explains is the NetworkPolicy's.
    shows=Symptom.SILENCE,
    since="0.2",
    needs_symptom=True,
)
def client_labels_blocked(scene: Scene) -> Iterator[Finding]:
    """Yield when the client's dial fails and that of a pod beside it, alike but for the labels, gets in."""
    handshake = scene.dialled
    if handshake is None or handshake.outcome not in _DENIALS or not scene.vantage.is_pod:
        return
    shown = control_proof(scene)
    if not shown:
        return
    who = scene.vantage.who
    labels = labels_judged(scene)
    yield Finding(
        where=who,
        says=f"a pod beside it without its labels ({labels}) gets in",
        headline=f"something blocks {who} by its labels: a pod beside it without them gets in",
        # Inside the client more than its labels differs from the control: its own firewall, its sidecars.
        certainty=Certainty.PROVED if scene.vantage.kind == "stand-in" else Certainty.LIKELY,
        evidence=(packet(scene, handshake), *shown),
        fix=Fix(summary=f"Let {labels} through in the policy that selects it; {_which(scene)}"),
    )


def _which(scene: Scene) -> str:
    """What is known of the policy: only who could read NetworkPolicies knows that it is none of them."""
    spaces = dict.fromkeys((scene.target.namespace, scene.vantage.namespace or scene.target.namespace))
    unread = [space for space in spaces if scene.maybe(POLICIES_IN, NamespaceKey(space)) is None]
    if unread:
        return f"whose it is cannot be told, as the NetworkPolicies of {' and '.join(unread)} could not be read"
    return "no NetworkPolicy explains this"
