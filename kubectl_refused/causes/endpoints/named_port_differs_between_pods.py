"""The named targetPort is another number in some pods, which do not listen there.

Why it refuses:
    A name is looked up in each pod by itself, so that versions of an app may move their port; the Service then
    has a slice for each number (seen). All is well while each pod listens on the number that its own spec
    declares. Where one version declares another number and still listens on the old one, its share of the
    connections meets no socket and is refused.
Confirm:
    kubectl get endpointslices -l kubernetes.io/service-name=NAME    # two slices, with different PORTS
Fix:
    Declare the port under its name as it is listened on, or give targetPort as the number.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.target_port import target_port_change
from kubectl_refused.model.evidence import Evidence, Finding, TrialEvidence
from kubectl_refused.model.facts import HANDSHAKE, Dial
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.trace.proofs import field, packet, service_subject
from kubectl_refused.trace.questions import MOST_ENDPOINTS

MOST_TRIED = 4


@cause("KR215", scope=Scope.ROUTE, reads={HANDSHAKE}, produces=Symptom.RST, since="0.2", needs_symptom=True)
def named_port_differs_between_pods(scene: Scene) -> Iterator[Finding]:
    """Yield when pods refuse at their own number of the name, and accept at the number that it has in others."""
    port, name = scene.port, scene.port.target_port if scene.port else None
    endpoints = scene.ready_endpoints[:MOST_ENDPOINTS]
    if scene.from_files or port is None or not isinstance(name, str) or len({e.port for e in endpoints}) < 2:
        return
    working = [e for e in endpoints if _ended(scene, e) is Outcome.ACCEPTED]
    numbers = {e.port for e in working if e.port}
    wrong = [e for e in endpoints if _ended(scene, e) is Outcome.REFUSED and e.port not in numbers]
    if len(numbers) != 1 or not wrong:
        return
    meant = numbers.pop()
    tried = [(e, scene.maybe(HANDSHAKE, Dial(e.address, meant, scene.vantage.key))) for e in wrong[:MOST_TRIED]]
    proved = [(e, seen) for e, seen in tried if seen and seen.outcome is Outcome.ACCEPTED]
    if proved:
        share = f"{len(wrong)} of {len(endpoints)} pods"
        yield _finding(scene, name, working[0], *proved[0], share)


def _finding(scene: Scene, name: str, working: Endpoint, wrong: Endpoint, seen: Handshake, share: str) -> Finding:
    """`seen` is the dial of `wrong` at the number that the name has in `working`."""
    meant, refused = seen.port, scene.handshake(scene.at_endpoint(wrong).endpoint_dial)
    trial = packet(scene, seen)
    evidence: list[Evidence] = [
        field(scene, service_subject(scene), "spec.ports[].targetPort", name, f"targetPort is the name {name}"),
        *(_declared(scene, e, name) for e in (working, wrong)),
        *([packet(scene, refused)] if refused else []),
        TrialEvidence(witness=trial.witness, subject=trial.subject, says=trial.says, worked=True),
    ]
    return Finding(
        where=f"svc/{scene.target.name}",
        says=f"{name} is {meant} in {_told(working)} and {wrong.port} in {_told(wrong)}, which listens on {meant}",
        headline=f"{name} is {wrong.port} in {share}, which listen on {meant}",
        evidence=tuple(evidence),
        fix=target_port_change(scene, meant),
    )


def _ended(scene: Scene, endpoint: Endpoint) -> Outcome | None:
    seen = scene.at_endpoint(endpoint).dialled
    return seen.outcome if seen else None


def _told(endpoint: Endpoint) -> str:
    return f"pod/{endpoint.target_name}" if endpoint.target_name else endpoint.address


def _declared(scene: Scene, endpoint: Endpoint, name: str) -> Evidence:
    says = f"{name} is {endpoint.port} in {_told(endpoint)}"
    return field(scene, f"endpointslice/{endpoint.slice_name}", "ports", endpoint.port, says)
