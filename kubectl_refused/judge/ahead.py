"""What will show once the root is mended, as far as the pods it hides can be looked into before.

Behind a selector that matches nothing, a policy or pods that are not ready nothing can be dialled, but one pod's
sockets tell already how its kernel will answer. The catalogue is asked about the path as it will be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Cause, Scope, catalogue
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Fix, PacketEvidence
from kubectl_refused.model.facts import (
    FORWARD,
    HANDSHAKE,
    LISTENERS,
    PODS_IN,
    Dial,
    NamespaceKey,
    Need,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, Service, ServicePort
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene, pod_key, pod_port
from kubectl_refused.model.target import Depth
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.rulings import Found, Ruling, rule
from kubectl_refused.trace.runtimes import mesh_of
from kubectl_refused.trace.sockets import Standing, standing
from kubectl_refused.trace.statuses import condition, running

from .absorb import root_of

# Faults of these hops hide what stands behind them from every dial.
_HIDING = ("endpoints", "pod", "policy")
_BEHIND = ("pod", "process")
_SOCKETS = "sockets"  # the witness of an answer that nobody gave yet


def ahead(ruling: Ruling) -> tuple[Found, ...]:
    """Findings about the path as it will be; none where it cannot be told what it will be."""
    told = _told(ruling)
    return tuple(_without_dials(found) for found in told.found) if told else ()


def open_ahead(rulings: Iterable[Ruling], depth: Depth) -> list[Need]:
    """The sockets of one pod for each hidden path, and what can be read to tell what they mean."""
    needs: list[Need] = []
    for ruling in rulings:
        told = _told(ruling)
        needs += [o.need for o in told.open if o.gap is None and o.need.fact.quiet] if told else []
        if depth.rank >= Depth.PODS.rank:
            needs += _sockets_wanted(ruling)
    return list(dict.fromkeys(needs))


def _told(ruling: Ruling) -> Ruling | None:
    first = root_of(ruling.found)
    path = _mended(first) if first else None
    if first is None or path is None:
        return None
    seen = [e for e in path.endpoints if _known(path, e)]
    if path.ready_endpoints and not any(e.ready for e in seen):
        return None
    facts = path.facts.having(pair for e in seen for pair in _answers(path, e))
    hops = _BEHIND if seen else ("pod",)
    return rule(replace(path, endpoints=tuple(seen), facts=facts), _causes(first.cause, hops))


def _causes(root: Cause, hops: Iterable[str]) -> Iterator[Cause]:
    """The causes that look at pods, from the root's own hop on."""
    for one in catalogue("Service"):
        if one.hop in hops and one.scope is not Scope.ROUTE and one.rank >= root.rank and one is not root:
            yield one


def _mended(root: Found) -> Scene | None:
    """The path as the root's fix will leave it; None where nothing is hidden, or the fix tells no path."""
    scene, fix = root.scene, root.finding.fix
    if root.cause.hop not in _HIDING or scene.from_files or scene.service is None or scene.port is None:
        return None
    bare = replace(scene, endpoint=None, pod=None)
    if root.cause.hop == "policy":
        return bare
    if root.cause.hop == "pod":
        return replace(bare, endpoints=tuple(replace(e, ready=True) for e in scene.endpoints if _runs(e.pod)))
    return _repointed(bare, scene.service, fix) if fix and fix.leads_to else None


def _repointed(scene: Scene, service: Service, fix: Fix) -> Scene | None:
    """The path with the Service's patch applied: other pods, or another port of the same ones."""
    spec = (fix.patch or {}).get("spec", {})
    if not isinstance(spec, dict) or not {"selector", "ports"} & spec.keys():
        return None
    merged = {**(service.spec.selector or {}), **(spec.get("selector") or {})}
    selector = {key: value for key, value in merged.items() if value is not None}
    port = _ported(scene.port, spec.get("ports")) if scene.port else None
    around = scene.known(PODS_IN, NamespaceKey(scene.target.namespace)) or scene.pods
    pods = tuple(p for p in around if carries(p.metadata.labels, selector))
    by_name = {p.metadata.name: p for p in pods}
    endpoints = tuple(
        Endpoint(to.address, to.port, ready=_ready(by_name[to.pod]), target_name=to.pod, pod=by_name[to.pod])
        for to in destinations(scene, pods, port)
    )
    mended = replace(service, spec=replace(service.spec, selector=selector))
    return replace(scene, service=mended, port=port, pods=pods, endpoints=endpoints)


def _ported(port: ServicePort | None, patched: object) -> ServicePort | None:
    for entry in patched if isinstance(patched, list) else ():
        if port and isinstance(entry, dict) and entry.get("port") == port.port and "targetPort" in entry:
            return replace(port, target_port=entry["targetPort"])
    return port


def _sockets_wanted(ruling: Ruling) -> list[Need]:
    """Of pods made alike one is enough; none where one is known, or was asked in vain."""
    first = root_of(ruling.found)
    path = _mended(first) if first else None
    keys = [pod_key(e.pod) for e in path.endpoints if e.pod and e.port and _runs(e.pod)] if path else []
    if path is None or any(path.facts.get(LISTENERS, key) is not None for key in keys):
        return []
    return [Need(LISTENERS, key) for key in keys[:1]]


def _known(path: Scene, endpoint: Endpoint) -> bool:
    """Whether the sockets tell how the endpoint will answer: not where a mesh answers in the app's place."""
    pod = endpoint.pod
    if pod is None or endpoint.port is None or mesh_of(pod) is not None:
        return False
    return path.known(LISTENERS, pod_key(pod)) is not None


def _answers(path: Scene, endpoint: Endpoint) -> Iterator[tuple[Need, object]]:
    """How the pod's kernel will answer, from its sockets alone; what only a dial could tell is a Gap."""
    pod, port = endpoint.pod, endpoint.port
    assert pod is not None
    assert port is not None
    listeners = path.known(LISTENERS, pod_key(pod))
    assert listeners is not None
    is_open = standing(listeners.sockets, endpoint.address, port) is Standing.OPEN
    outcome = Outcome.ACCEPTED if is_open else Outcome.REFUSED
    for other in {s.port for s in listeners.sockets} | {port}:
        untried = Gap("a TCP dial", "it leads nowhere yet")
        yield Need(HANDSHAKE, Dial(endpoint.address, other, path.vantage.key)), untried
        if path.facts.get(FORWARD, pod_port(pod, other)) is None:
            yield Need(FORWARD, pod_port(pod, other)), untried
    answer = Handshake(endpoint.address, port, outcome, 0.0, _SOCKETS)
    yield Need(HANDSHAKE, Dial(endpoint.address, port, path.vantage.key)), answer


def _without_dials(found: Found) -> Found:
    """The finding without dials that were never made."""
    kept = tuple(e for e in found.finding.evidence if not _never_made(e))
    return replace(found, finding=replace(found.finding, evidence=kept))


def _never_made(evidence: object) -> bool:
    return isinstance(evidence, PacketEvidence) and evidence.witness.startswith(f"{_SOCKETS} ")


def _runs(pod: Pod | None) -> bool:
    return pod is not None and running(pod) and pod.metadata.deletion_timestamp is None


def _ready(pod: Pod) -> bool:
    seen = condition(pod, "Ready")
    return seen is not None and seen.status == "True"
