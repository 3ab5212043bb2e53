"""A dial that NetworkPolicies, evaluated, deny: on the pod's side or on the client's. Pure.

What an enforcer makes of it differs: most drop, kube-router rejects with ICMP, some forge an RST. So no
outcome proves a denial by itself: the evaluation does, and the dial agrees with it.
"""

from __future__ import annotations

from msgspec import Struct

from kubectl_refused.model.evidence import Certainty, Evidence, WitnessEvidence
from kubectl_refused.model.facts import LISTENERS, NAMESPACE, POLICIES_IN, NamespaceKey
from kubectl_refused.model.objects import NetworkPolicy, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key

from .controls import control_proof
from .offenders import rst_told
from .policies import Direction, Party, allows, selecting
from .proofs import packet, sockets, source_address
from .sockets import Standing, standing

_INGRESS = frozenset({Outcome.TIMEOUT, Outcome.REJECTED, Outcome.REFUSED, Outcome.UNREACHABLE})
_EGRESS = frozenset({Outcome.TIMEOUT, Outcome.REJECTED, Outcome.DENIED, Outcome.UNREACHABLE})


class Denial(Struct, frozen=True):
    """`policies` close `direction`; `peer` is the other end as they see it, `pod` and `port` what is dialled.

    `evidence` is what shows it beside the policy itself.
    """

    direction: Direction
    policies: tuple[NetworkPolicy, ...]
    peer: Party
    pod: Pod
    port: int
    certainty: Certainty
    evidence: tuple[Evidence, ...]
    protocol: str = "TCP"

    @property
    def names(self) -> str:
        """`default-deny, web`: every policy that closes this direction."""
        return ", ".join(p.metadata.name for p in self.policies)

    @property
    def field(self) -> str:
        """`ingress` or `egress`, as the policy's spec has it."""
        return self.direction.lower()


def ingress_denial(scene: Scene) -> Denial | None:
    """The policies of the target's namespace deny the endpoint's dial. Raises Undecided for what it must know."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome not in _INGRESS:
        return None
    # Policies do not apply to pods on the node's network, and are evaluated for pods only: the API server's own
    # address tells nothing.
    if pod.spec.host_network or not scene.vantage.is_pod:
        return None
    namespace = pod.metadata.namespace
    policies = scene.need(POLICIES_IN, NamespaceKey(namespace))
    closing = selecting(policies, "Ingress", namespace, pod.metadata.labels)
    if not closing:
        return None
    peer = client_party(scene, handshake)
    if allows(closing, "Ingress", peer, pod, handshake.port):
        return None
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    seen = standing(listeners.sockets, handshake.host, handshake.port) if listeners else None
    if handshake.outcome is Outcome.REFUSED and seen is not Standing.OPEN:
        return None  # an RST is the pod's own unless its sockets say that somebody listens
    evidence: list[Evidence] = [packet(scene, handshake)]
    evidence += [sockets(pod, listeners)] if listeners else []
    shown = control_proof(scene)
    evidence += [*shown, *_forged(scene, handshake, pod)]
    certainty = Certainty.PROVED if listeners or shown else Certainty.LIKELY
    return Denial("Ingress", closing, peer, pod, handshake.port, certainty, tuple(evidence))


def egress_denial(scene: Scene) -> Denial | None:
    """The policies of the client's namespace deny the endpoint's dial. Raises Undecided for what it must know."""
    handshake, pod = scene.dialled, scene.pod
    if handshake is None or pod is None or handshake.outcome not in _EGRESS or not scene.vantage.is_pod:
        return None
    client = scene.vantage.namespace or scene.target.namespace
    policies = scene.need(POLICIES_IN, NamespaceKey(client))
    closing = selecting(policies, "Egress", client, dict(scene.vantage.labels))
    peer = party(scene, pod.metadata.namespace, pod.metadata.labels or {}, handshake.host)
    if not closing or allows(closing, "Egress", peer, pod, handshake.port):
        return None
    evidence: tuple[Evidence, ...] = (packet(scene, handshake), *control_proof(scene))
    return Denial("Egress", closing, peer, pod, handshake.port, Certainty.PROVED, evidence)


def client_party(scene: Scene, handshake: Handshake) -> Party:
    """The client of this dial as policies see it."""
    namespace = scene.vantage.namespace or scene.target.namespace
    return party(scene, namespace, dict(scene.vantage.labels), source_address(scene, handshake))


def party(scene: Scene, namespace: str, labels: dict[str, str], address: str) -> Party:
    """One end of a dial. Every namespace carries its own name as a label since Kubernetes 1.21."""
    seen = scene.maybe(NAMESPACE, NamespaceKey(namespace))
    own = {"kubernetes.io/metadata.name": namespace} | ((seen.metadata.labels if seen else None) or {})
    return Party(namespace, labels, own, address)


def client_told(scene: Scene) -> str:
    """`pod/cart of namespace shop`."""
    who = scene.vantage.who.replace("the probe", "the probe pod")
    return f"{who} of namespace {scene.vantage.namespace or scene.target.namespace}"


def _forged(scene: Scene, handshake: Handshake, pod: Pod) -> list[Evidence]:
    """Who sent an RST that is not the pod's own, where its distance tells."""
    told = rst_told(handshake, scene, pod)
    return [WitnessEvidence(witness=handshake.witness, subject=scene.vantage.node, says=told)] if told else []
