"""The selector also matches pods of another workload, which serve no such port.

Why it refuses:
    Every ready pod that carries the selector becomes an endpoint, whoever made it: the pods of a worker, a
    migration Job or a sibling Deployment too. Connections are spread over all of them, so k of n are refused by
    the kernels of pods that never meant to serve (tektoncd/operator issue 3228). Versions of one app (the same
    image, run in the same way) are no strangers to each other: what they lack is another cause's to say.
Confirm:
    kubectl get pods -l KEY=VALUE --show-labels    # their owners differ, and so do other labels
Fix:
    Narrow the selector by a label that only the serving pods carry.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.selector import narrowed
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, WitnessEvidence
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, WORKLOAD, PodPort
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene, pod_key, pod_port
from kubectl_refused.trace.candidate_ports import app_ports
from kubectl_refused.trace.makers import Maker, makers, named_nearer, shares_image, versions_of_one
from kubectl_refused.trace.proofs import field, packet, service_subject, sockets
from kubectl_refused.trace.questions import MOST_ENDPOINTS
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import Standing, standing

MOST_STRANGERS = 3


@cause(
    "KR203",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LISTENERS, FORWARD, WORKLOAD},
    produces={Symptom.RST, Symptom.NO_LISTENER},
    since="0.2",
    needs_symptom=True,
)
def selector_too_broad(scene: Scene) -> Iterator[Finding]:
    """Yield when the endpoints that refuse are another workload's than those that accept, and serve nothing."""
    service = scene.service
    if scene.from_files or service is None or scene.port is None or not service.spec.selector:
        return
    refusing, accepting = _ended(scene, Outcome.REFUSED), _ended(scene, Outcome.ACCEPTED)
    if not refusing or not accepting:
        return
    ours = makers(scene, accepting)
    judged = [(one, _idle(scene, one, ours)) for one in _others(scene, makers(scene, refusing), ours)]
    strangers = [one for one, proof in judged if proof is not None]
    if strangers:
        yield _finding(scene, ours, strangers, [claim for _, proof in judged for claim in proof or ()])


def _ended(scene: Scene, outcome: Outcome) -> list[Endpoint]:
    """Endpoints all of whose dials ended so, those of one path at most: who serves now and then does serve."""
    seen = [(e, scene.at_endpoint(e).dialled) for e in scene.ready_endpoints[:MOST_ENDPOINTS]]
    return [e for e, handshake in seen if e.pod and handshake and set(_heard(handshake)) == {outcome}]


def _heard(handshake: Handshake) -> Iterator[Outcome]:
    yield handshake.outcome
    yield from (outcome for outcome, times in handshake.heard if times)


def _others(scene: Scene, refusing: Sequence[Maker], ours: Sequence[Maker]) -> list[Maker]:
    """Makers none of whose pods accept; never the one that the Service seems to be named after."""
    working = {one.name for one in ours}
    others = (one for one in refusing if one.name not in working)
    return [m for m in others if m.ends or not named_nearer(scene.target.name, m, ours)][:MOST_STRANGERS]


def _idle(scene: Scene, maker: Maker, ours: Sequence[Maker]) -> list[Evidence] | None:
    """Proof that its pods serve no such port; None where they seem to mean to, or run what the others run."""
    endpoint, pod = maker.endpoints[0], maker.pods[0]
    mates = [one.pods[0] for one in ours]
    if versions_of_one(pod, mates) and not maker.ends:
        return None
    assert endpoint.port is not None
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        return _at_localhost(scene, pod_port(pod, endpoint.port))
    elsewhere = app_ports(pod, [s.port for s in app_sockets(pod, listeners.sockets)])
    if standing(listeners.sockets, endpoint.address, endpoint.port) is not Standing.ABSENT:
        return None  # it serves that port, and is bound in a wrong way
    if elsewhere and shares_image(pod, mates) and not maker.ends:
        return None  # a version of the same app, on another port
    return [sockets(pod, listeners)]


def _at_localhost(scene: Scene, port: PodPort) -> list[Evidence] | None:
    """What port-forward tells, where sockets cannot be read; nothing where neither can."""
    inside = scene.maybe(FORWARD, port)
    if inside is None:
        return []
    if inside.outcome is not Outcome.REFUSED:
        return None
    says = f"localhost:{port.port} refuses inside the pod too"
    return [WitnessEvidence(witness="port-forward", subject=f"pod/{port.pod}", says=says)]


def _finding(
    scene: Scene, ours: Sequence[Maker], strangers: Sequence[Maker], proofs: Sequence[Evidence]
) -> Finding:
    assert scene.service is not None
    names = " and ".join(one.name for one in strangers)
    refusing = [e for one in strangers for e in one.endpoints]
    selector = scene.service.spec.selector or {}
    told = ", ".join(f"{k}={v}" for k, v in sorted(selector.items()))
    share = f"{len(refusing)} of {len(scene.ready_endpoints)} endpoints"
    matched = ", ".join(f"{len(one.endpoints)} of {one.name}" for one in (*ours, *strangers))
    dials = [scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in (refusing[0], ours[0].endpoints[0])]
    evidence: list[Evidence] = [
        field(scene, service_subject(scene), "spec.selector", selector, f"{told} matches pods: {matched}"),
        *proofs,
        *(packet(scene, handshake) for handshake in dials if handshake),
    ]
    yours = [pod for one in ours for pod in one.pods]
    return Finding(
        where=f"svc/{scene.target.name}",
        says=f"spec.selector {told} also matches {names}: {share}",
        headline=f"its selector also matches {names}, {share}",
        certainty=Certainty.PROVED if len(proofs) >= len(strangers) else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=narrowed(scene, yours, [e.pod for e in refusing if e.pod]),
    )
