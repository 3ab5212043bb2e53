"""The targetPort is not the port the process listens on.

Why it refuses:
    The Service sends to a port of the pod that no socket is bound to, so the pod's kernel answers RST. The
    process itself is well and listens on another port. containerPort plays no part: it is documentation
    (kubernetes/website pull 26790), and may agree with the wrong number (KR402).
Confirm:
    kubectl exec POD -- cat /proc/net/tcp /proc/net/tcp6    # state 0A is LISTEN, ports are hexadecimal
Fix:
    Point the Service's targetPort at the port the process listens on.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.target_port import aim, headless
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, TrialEvidence, WitnessEvidence
from kubectl_refused.model.facts import (
    FORWARD,
    HANDSHAKE,
    LISTENERS,
    LOG,
    POLICIES_IN,
    SEARCH,
    WORKLOAD,
    Dial,
)
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key, pod_port
from kubectl_refused.trace.candidate_ports import app_ports, called, own_ports
from kubectl_refused.trace.containers import containers, resolve_target_port, said_listeners, said_ports
from kubectl_refused.trace.localhost import Found, found_port, not_comparable, refused_in_both_families
from kubectl_refused.trace.proofs import field, packet, service_subject, sockets
from kubectl_refused.trace.rejecters import may_be_rejected
from kubectl_refused.trace.runtimes import app_sockets
from kubectl_refused.trace.sockets import Standing, likeliest_port, shown, standing
from kubectl_refused.trace.veils import says_nothing


@cause(
    "KR401",
    scope=Scope.PROCESS,
    reads={HANDSHAKE, LISTENERS, FORWARD, SEARCH, LOG, POLICIES_IN, WORKLOAD},
    produces=Symptom.RST,
    shows=Symptom.OTHER_PORT,
    since="0.1",
    also=("KR402",),
)
def wrong_target_port(scene: Scene) -> Iterator[Finding]:
    """Yield when nothing listens on the endpoint's port while the pod listens elsewhere.

    Sockets prove it, or a search by port-forward where nobody can have rejected; flags alone make it possible.
    """
    pod, endpoint = scene.pod, scene.endpoint
    if pod is None or endpoint is None or endpoint.port is None or scene.port is None or scene.service is None:
        return
    handshake = scene.dialled
    if handshake is None:
        yield from _said(scene, pod, endpoint.port)
        return
    if handshake.outcome is not Outcome.REFUSED and not says_nothing(scene, pod, handshake):
        return
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is None:
        yield from _forwarded(scene, pod, handshake) if handshake.outcome is Outcome.REFUSED else ()
        return
    aimed, mine = handshake.port, app_sockets(pod, listeners.sockets)
    if standing(listeners.sockets, endpoint.address, aimed) is not Standing.ABSENT:
        return
    open_ports = own_ports(pod, listeners.sockets, endpoint.address)
    meant = next(iter(open_ports), likeliest_port(app_ports(pod, [s.port for s in mine]), said_ports(pod)))
    if meant is None:
        return  # nothing of the app's listens at all: another cause's to say
    if _untranslated(scene, pod, meant):
        return
    evidence = [_sends(scene, aimed), sockets(pod, listeners), packet(scene, handshake)]
    if meant in open_ports and handshake.outcome is Outcome.REFUSED:
        evidence += _trial(scene, endpoint.address, meant)
    owner = next((s.owner for s in mine if s.port == meant and s.owner), "the process")
    bound = shown(s for s in mine if s.port == meant)
    says = f"{owner} listens on {bound}{_besides(pod, [s.port for s in mine], meant)}"
    yield _finding(scene, pod, aimed, meant, says, evidence, Certainty.PROVED)


def _untranslated(scene: Scene, pod: Pod, meant: int) -> bool:
    """targetPort is right, but a headless Service does not use it: another cause's to say."""
    return headless(scene) and scene.port is not None and meant == resolve_target_port(pod, scene.port)


def _said(scene: Scene, pod: Pod, aimed: int) -> Iterator[Finding]:
    """The command line names a port and it is another one: a hint, where nothing can be dialled or read."""
    told = [(c.name, port) for c in containers(pod) for _, port in said_listeners(c)]
    if not told or any(port == aimed for _, port in told) or _may_be_anothers(pod, aimed):
        return
    name, meant = told[0]
    says = f"container {name} is told to listen on {meant}"
    proof = field(scene, f"pod/{pod.metadata.name}", "command", meant, says)
    yield _finding(scene, pod, aimed, meant, says, [_sends(scene, aimed), proof], Certainty.POSSIBLE)


def _may_be_anothers(pod: Pod, aimed: int) -> bool:
    """Whether a container whose flags name no port declares the one aimed at: it may well listen there."""
    silent = (c for c in containers(pod) if not any(said_listeners(c)))
    return any(p.container_port == aimed for c in silent for p in c.ports or ())


def _forwarded(scene: Scene, pod: Pod, refused: Handshake) -> Iterator[Finding]:
    """Nothing at localhost on the port aimed at, but on another one: found by port-forward, then dialled."""
    found = found_port(scene, pod, refused)
    if found is None or _untranslated(scene, pod, found.port):
        return
    seen = scene.need(FORWARD, pod_port(pod, refused.port))
    trial = _trial(scene, refused.host, found.port)
    sure = refused_in_both_families(seen) and bool(trial)
    doubt = may_be_rejected(scene, pod) or not_comparable(scene, pod)
    says = f"inside the pod {_told(pod, found, refused.port)}"
    witness = WitnessEvidence(witness="port-forward", subject=f"pod/{pod.metadata.name}", says=says)
    evidence: list[Evidence] = [_sends(scene, refused.port), witness, packet(scene, refused), *trial]
    certainty = Certainty.PROVED if sure and not doubt else Certainty.LIKELY
    yield _finding(scene, pod, refused.port, found.port, says, evidence, certainty)


def _told(pod: Pod, found: Found, aimed: int) -> str:
    others = _besides(pod, found.search.accepted, found.port)
    tried = f"{len(found.search.tried)} ports were tried by port-forward"
    return f"port {found.port} accepts and port {aimed} does not{others}; {tried}"


def _besides(pod: Pod, ports: Iterable[int], meant: int) -> str:
    """`, also listens on 9090 (metrics)`: the ports that were not taken for the app's."""
    others = [called(pod, p) for p in dict.fromkeys(ports) if p != meant]
    return f", it also listens on {', '.join(others[:4])}" if others else ""


def _finding(
    scene: Scene, pod: Pod, aimed: int, meant: int, says: str, evidence: list[Evidence], certainty: Certainty
) -> Finding:
    headline, fix = aim(scene, pod, aimed, meant)
    return Finding(
        where=f"port {aimed} of pod/{pod.metadata.name}",
        says=f"{'port' if headless(scene) else 'targetPort'} {aimed}; {says}",
        headline=headline,
        certainty=certainty,
        evidence=tuple(evidence),
        fix=fix,
    )


def _sends(scene: Scene, aimed: int) -> Evidence:
    assert scene.port is not None
    if headless(scene):
        says = f"clusterIP is None, so port {aimed} is dialled as it stands"
        return field(scene, service_subject(scene), "spec.ports[].port", aimed, says)
    written = scene.port.target_port
    named = f" ({written})" if isinstance(written, str) else ""
    says = f"the Service sends port {scene.port.port} to {aimed}{named}{_agreed(scene, aimed)}"
    return field(scene, service_subject(scene), "spec.ports[].targetPort", written, says)


def _agreed(scene: Scene, aimed: int) -> str:
    """Where containerPort has the wrong number too, so that a look at the objects finds nothing wrong."""
    declared = (p.container_port for c in (containers(scene.pod) if scene.pod else ()) for p in c.ports or ())
    return ", and containerPort agrees, which opens no port" if aimed in declared else ""


def _trial(scene: Scene, address: str, port: int) -> list[Evidence]:
    """The port for the fix, dialled before the fix is told."""
    tried = scene.maybe(HANDSHAKE, Dial(address, port, scene.vantage.key))
    if tried is None:
        return []
    worked = tried.outcome is Outcome.ACCEPTED
    told = "was dialled and accepted" if worked else f"was dialled too: {tried.outcome.value}"
    shown_address = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return [
        TrialEvidence(witness=tried.witness, subject=shown_address, says=f"{shown_address} {told}", worked=worked)
    ]
