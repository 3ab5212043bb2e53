"""Answers that were had and must not be believed: a path that rests on them is neither healthy nor complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.causes import Symptom
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import LISTENERS, NODE, NodeKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.trace.rulings import Ruling
from kubectl_refused.trace.runtimes import foreign_node, sandbox_of
from kubectl_refused.trace.sockets import Standing, standing
from kubectl_refused.trace.veils import says_nothing, veil

SHOWN_PODS = 3


def unbelieved(ruling: Ruling) -> bool:
    """Whether some endpoint's accept is only a proxy's without its pod's sockets, or was hung up on a request."""
    return any(True for _ in _only_a_proxy(ruling.scene)) or any(True for _ in _hung_up(ruling.scene))


def outcome_behind(ruling: Ruling, outcome: Outcome) -> Outcome:
    """What a client gets after the accept, by a proxy for an app that was found dead, or for one that hangs."""
    if outcome is not Outcome.ACCEPTED:
        return outcome
    hung = {f.finding.where.rpartition("pod/")[2] for f in ruling.found if Symptom.HANGING in f.cause.produces}
    if hung:
        return Outcome.TIMEOUT if len(hung) >= len(ruling.scene.ready_endpoints) else Outcome.MIXED
    dead = {f.scene.endpoint.address for f in ruling.found if f.scene.endpoint and _veiled(f.scene)}
    if not dead:
        return outcome
    return Outcome.RESET if len(dead) >= len(ruling.scene.ready_endpoints) else Outcome.MIXED


def _veiled(view: Scene) -> bool:
    seen = view.handshake(view.endpoint_dial)
    return view.pod is not None and seen is not None and says_nothing(view, view.pod, seen)


def unbelieved_gaps(rulings: Iterable[Ruling]) -> Iterator[Gap]:
    """For each path that is not proved: whose accepts and sockets say nothing, and why."""
    for ruling in rulings:
        if any(found.finding.certainty is Certainty.PROVED for found in ruling.found):
            continue
        yield from _accepts(ruling.scene)
        yield from _unanswered(ruling.scene)
        yield from _strangers(ruling.scene)


def _accepts(scene: Scene) -> Iterator[Gap]:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for pod, proxy in _only_a_proxy(scene):
        says = f"accepted by {proxy.rstrip(',')}, which accepts for a dead app too; "
        known = scene.facts.get(LISTENERS, pod_key(pod))
        remedy = known.remedy if isinstance(known, Gap) else ""
        if isinstance(known, Gap):
            says += f"its sockets were not read: {known.because}"
        else:
            says += "no socket takes what the proxy would send on" if known else "its sockets were not read"
        by_reason.setdefault((says, remedy), []).append(pod.metadata.name)
    for (says, remedy), names in by_reason.items():
        more = f" and {len(names) - SHOWN_PODS} more" if len(names) > SHOWN_PODS else ""
        yield Gap(f"whether the app in {', '.join(names[:SHOWN_PODS])}{more} accepts", says, remedy)


def _only_a_proxy(scene: Scene) -> Iterator[tuple[Pod, str]]:
    """(pod, proxy) of each endpoint that a mesh's proxy accepted, and no socket of the pod's vouches for."""
    for endpoint in scene.ready_endpoints:
        pod, seen = endpoint.pod, scene.handshake(scene.at_endpoint(endpoint).endpoint_dial)
        if pod is None or seen is None:
            continue
        listeners = scene.known(LISTENERS, pod_key(pod))
        if listeners and standing(listeners.sockets, seen.host, seen.port) is Standing.OPEN:
            continue
        mesh = veil(scene, pod, seen.port) if says_nothing(scene, pod, seen) else None
        if mesh is not None:
            yield pod, mesh.proxy


def _unanswered(scene: Scene) -> Iterator[Gap]:
    """Accepts that ended without a word on the request sent: so end databases, and servers that fail."""
    names = list(_hung_up(scene))
    if not names:
        return
    more = f" and {len(names) - SHOWN_PODS} more" if len(names) > SHOWN_PODS else ""
    says = (
        "accepted, then closed without a word on the API server's GET /: it speaks no HTTP, or drops its clients"
    )
    yield Gap(f"whether {', '.join(names[:SHOWN_PODS])}{more} serves", says)


def _hung_up(scene: Scene) -> Iterator[str]:
    """Pods (else addresses) of endpoints that accepted and hung up on a GET, in Go's words (net, net/http)."""
    for endpoint in scene.ready_endpoints:
        seen = scene.handshake(scene.at_endpoint(endpoint).endpoint_dial)
        if seen is None or seen.first_hand or seen.outcome is not Outcome.ACCEPTED:
            continue
        if seen.detail.lower().endswith(("eof", "connection reset by peer")):
            yield endpoint.pod.metadata.name if endpoint.pod else endpoint.address


def _strangers(scene: Scene) -> Iterator[Gap]:
    """Pods whose sockets, processes or port-forward are not what they are in a plain Linux pod."""
    told: dict[tuple[str, str], list[str]] = {}
    for endpoint in scene.ready_endpoints:
        pod, seen = endpoint.pod, scene.handshake(scene.at_endpoint(endpoint).endpoint_dial)
        if pod is None or (seen is not None and seen.outcome is Outcome.ACCEPTED):
            continue
        if reason := _strange(scene, pod):
            told.setdefault(reason, []).append(pod.metadata.name)
    for (what, because), names in told.items():
        yield Gap(f"{what} of pod/{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}", because)


def _strange(scene: Scene, pod: Pod) -> tuple[str, str] | None:
    """(witness, why it is not believed)."""
    node = scene.known(NODE, NodeKey(pod.spec.node_name)) if pod.spec.node_name else None
    if foreign := foreign_node(pod, node):
        return "sockets and port-forward", f"it runs on {foreign}: what is known of Linux pods does not hold there"
    sandbox = sandbox_of(pod)
    if sandbox:
        because = f"it runs in {sandbox}, whose sockets are not in the network namespace that the node sees"
        return ("port-forward and /proc" if sandbox == "gVisor" else "port-forward"), because
    if pod.spec.host_network:
        return "sockets", "it is on its node's network, where every process of the node listens"
    return None
