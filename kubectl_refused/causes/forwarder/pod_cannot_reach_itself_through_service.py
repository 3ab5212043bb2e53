"""A pod behind the Service cannot be sent back to itself.

Why it refuses:
    When a backend dials its own Service, the service proxy may choose that very pod: the packet has to leave the
    pod and come back by the same interface (a hairpin). A bridge port does that only in hairpin mode, and other
    networks need a rule of their own. Where it is off the SYN is lost: silence, always with one replica, once in N
    dials with N, and for nobody but the backends themselves. Seen on a real cluster with such packets dropped.
Confirm:
    kubectl exec BACKEND -- nc -w 3 SERVICE_IP PORT; kubectl exec ANOTHER_POD -- nc -w 3 SERVICE_IP PORT
    bridge -d link show    # on the pod's node: hairpin on, for the port of its veth
Fix:
    Switch hairpin mode on in the network plugin's configuration, or dial localhost from within the pod.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#a-pod-fails-to-reach-itself-via-the-service-ip
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, ObjectEvidence, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.policies import selecting
from kubectl_refused.trace.proofs import field, packet


@cause(
    "KR304",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, POLICIES_IN},
    produces=Symptom.SILENCE,
    since="0.2",
    needs_symptom=True,
)
def pod_cannot_reach_itself_through_service(scene: Scene) -> Iterator[Finding]:
    """Yield when a backend gets no answer by its own Service's address, and by every pod's own it does."""
    itself = _itself(scene)
    failed = scene.maybe(HANDSHAKE, scene.entrance_dial) if itself and scene.entrance_dial else None
    if itself is None or failed is None or not _silent(failed):
        return
    behind = [scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in scene.ready_endpoints]
    reached = [h for h in behind if h and h.outcome is Outcome.ACCEPTED]
    if len(reached) < len(scene.ready_endpoints) or not reached:
        return
    if len(reached) > 1 and Outcome.ACCEPTED not in dict(failed.heard):
        return  # of several backends it would be sent to another now and then: something else fails
    who, many = scene.vantage.who, len(reached)
    own = next(h for h in reached if h.host == itself.address)
    beside, policies = _beside(scene), _policies(scene, itself)
    evidence: list[Evidence] = [packet(scene, failed), packet(scene, own), *beside, *policies]
    often = "" if many == 1 else f", about once in {many} dials"
    yield Finding(
        where=who,
        says=f"{who} is behind svc/{scene.target.name} itself; it gets no answer by the Service's address{often}, "
        "and one by its own",
        headline=f"{who} is one of its backends, and cannot be sent back to itself{often}",
        certainty=Certainty.PROVED if beside and not policies else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=Fix(
            summary=f"Switch hairpin mode on in the network plugin of {scene.vantage.node or 'its node'}, "
            "or let the pod dial localhost"
        ),
    )


def _itself(scene: Scene) -> Endpoint | None:
    """The endpoint that the client is; a stand-in has another address and is none."""
    if scene.vantage.kind != "client" or not scene.vantage.address:
        return None
    return next((e for e in scene.ready_endpoints if e.address == scene.vantage.address), None)


def _silent(seen: Handshake) -> bool:
    return seen.outcome is Outcome.TIMEOUT or Outcome.TIMEOUT in dict(seen.heard)


def _beside(scene: Scene) -> list[Evidence]:
    """A pod of the same node that the Service's address answers: its rules are there."""
    beside = scene.control_of(scene.entrance_dial) if scene.entrance_dial else None
    seen = scene.maybe(HANDSHAKE, beside) if beside else None
    if seen is None or seen.outcome is not Outcome.ACCEPTED or not seen.first_hand:
        return []
    says = f"another pod of {scene.vantage.node} gets an answer from {seen.host}:{seen.port}"
    return [WitnessEvidence(witness=seen.witness, subject=f"{seen.host}:{seen.port}", says=says)]


def _policies(scene: Scene, itself: Endpoint) -> list[ObjectEvidence]:
    """Policies that may deny it instead: on its way round the pod's address becomes its node's."""
    if itself.pod is None:
        return []
    space = itself.pod.metadata.namespace
    policies = scene.maybe(POLICIES_IN, NamespaceKey(space))
    closing = selecting(policies or (), "Ingress", space, itself.pod.metadata.labels)
    if not closing:
        return []
    name = closing[0].metadata.name
    says = f"{name} may deny it instead: sent back to itself, the pod's packets carry its node's address"
    return [field(scene, f"networkpolicy/{name}", "spec.ingress", None, says)]
