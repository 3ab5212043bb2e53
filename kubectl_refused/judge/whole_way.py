"""The whole way in one picture: URL, DNS, address, entrance, rule, Service, slice, pod and process.

Each step has whoever says so. What lies behind the broken one is not drawn: nobody has seen it from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from kubectl_refused.causes import HOPS
from kubectl_refused.model.entrances import Door, Gateway, Ingress, Route
from kubectl_refused.model.facts import LISTENERS, LOOKUP, NameKey
from kubectl_refused.model.observation import Handshake, Outcome, Socket
from kubectl_refused.model.report import Root, Step
from kubectl_refused.model.scene import Endpoint, Scene, pod_key
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.entrances import entrance_subject
from kubectl_refused.trace.gateways import gateways_of
from kubectl_refused.trace.veils import says_nothing

from .hops import pods_told, telling_endpoint
from .tellings import signal_of

OBJECT = "object"
MOST_NAMED = 3
# Which step the hop of a cause is drawn at.
_AT = {
    "entrance": "entrance", "rule": "rule", "name": "service", "service": "service", "endpoints": "slice",
    "pod": "pod", "forwarder": "pod", "policy": "pod", "process": "process",
}  # fmt: skip


def whole_way(scene: Scene, root: Root | None, hop: str, at: Endpoint | None = None) -> tuple[Step, ...]:
    """The steps, the broken one last; nothing for what does not lead through a Service of a cluster.

    `hop` is the root cause's hop, or empty; `at` the endpoint where it was found.
    """
    assert not hop or hop in HOPS
    if not (scene.door or scene.target.is_service) or scene.from_files or scene.alias_port:
        return ()
    start = Step(role="client", label="client", status="start")
    steps = tuple(_to_the_rule(scene, scene.door)) if scene.door else (start,)
    if scene.target.is_service:
        steps += tuple(_from_the_service(scene, at))
    return _cut(steps, _AT.get(hop, ""), root)


def _cut(steps: Sequence[Step], broken: str, root: Root | None) -> tuple[Step, ...]:
    """Up to the step that is broken: of the root's role, or the one nearest in front of where it would stand.

    Without a root it is the last dial that did not get in. A dial that failed in front of it was answered there.
    """
    mine = (broken, *_before(broken)) if root else ()
    places = [at for at, one in enumerate(steps) if (one.role in mine if mine else one.status == "broken")]
    if not places:
        return tuple(steps)
    at = places[-1]
    before = (_passed(one) if one.status == "broken" else one for one in steps[:at])
    return (*before, replace(steps[at], status="broken", note=root.says if root else steps[at].note))


def _passed(step: Step) -> Step:
    """A step whose dial failed further on."""
    return replace(step, status="ok", note="", says=f"{step.says}, from behind it")


def _before(broken: str) -> tuple[str, ...]:
    """What stands for a step that is not drawn: a process nobody saw is its pod's, a pod its slice's."""
    roles = ("service", "slice", "pod", "process")
    return roles[: roles.index(broken)] if broken in roles else ()


def _to_the_rule(scene: Scene, door: Door) -> Iterator[Step]:
    if door.url:
        yield Step(role="url", label=door.url, status="start")
        yield _resolved(scene, door)
    else:
        yield Step(role="client", label=door.client, status="start")
    gateways = gateways_of(scene)
    if isinstance(door.owner, Ingress | Route):
        yield _address(door, gateways)
    for gateway in gateways[:1]:
        says = f"class {gateway.spec.gateway_class_name}"
        yield Step(role="entrance", label=entrance_of(gateway), status="ok", witness=OBJECT, says=says)
    subject = entrance_subject(door.owner)
    if gateways:
        yield Step(role="rule", label=f"{subject} {door.rule}", status="ok", witness=OBJECT, says=_leads(door))
        return
    says = f"class {door.owner.spec.ingress_class_name or 'by default'}" if isinstance(door.owner, Ingress) else ""
    yield Step(role="entrance", label=subject, status="ok", witness=OBJECT, says=says)
    yield Step(role="rule", label=door.rule, status="ok", witness=OBJECT, says=_leads(door))


def entrance_of(gateway: Gateway) -> str:
    """`gateway/edge`."""
    return f"gateway/{gateway.metadata.name}"


def _leads(door: Door) -> str:
    return f"leads to {door.backend}"


def _resolved(scene: Scene, door: Door) -> Step:
    """What DNS says of the URL's host, where the client stands."""
    host = door.url.partition("/")[0]
    told = scene.known(LOOKUP, NameKey(host, scene.vantage.key))
    if told is None:
        return Step(role="dns", label=host, status="unknown", note="nobody resolved the name")
    if not told.addresses:
        note = f"the name does not resolve where this was asked: {told.error}"
        return Step(role="dns", label=host, status="unknown", witness=told.witness, note=note)
    shown = ", ".join(told.addresses[:MOST_NAMED])
    return Step(role="dns", label=shown, status="ok", witness=told.witness, says=f"{host} resolves")


def _address(door: Door, gateways: Sequence[Gateway]) -> Step:
    """Where the entrance takes connections, by its own status."""
    if isinstance(door.owner, Ingress):
        found = [one.ip or one.hostname or "" for one in door.owner.status.load_balancer.ingress or ()]
    else:
        found = [one.value for gateway in gateways for one in gateway.status.addresses or ()]
    shown = ", ".join([one for one in found if one][:MOST_NAMED])
    if not shown:
        note = "no address stands in its status"
        return Step(role="address", label="node port or load balancer", status="unknown", note=note)
    return Step(role="address", label=shown, status="ok", witness=OBJECT, says="an address in its status")


def _from_the_service(scene: Scene, at: Endpoint | None) -> Iterator[Step]:
    seen = scene.handshake(scene.entrance_dial)
    yield _dialled(scene, "service", scene.asked, seen, known=scene.service is not None)
    if scene.service is None:
        return
    if scene.slices:
        more = f" and {len(scene.slices) - 1} more" if len(scene.slices) > 1 else ""
        label = f"endpointslice/{scene.slices[0].metadata.name}{more}"
        status: Literal["ok", "unknown"] = "ok" if scene.ready_endpoints else "unknown"
        yield Step(role="slice", label=label, status=status, witness=OBJECT, says=pods_told(scene))
    endpoint, handshake = telling_endpoint(scene, at)
    if endpoint is None or not endpoint.port:
        return
    where = place(endpoint.address or endpoint.target_name, endpoint.port)
    label = f"pod/{endpoint.target_name} {where}" if endpoint.target_name else where
    yield _dialled(scene, "pod", label, handshake, known=False)
    yield from _process(scene, endpoint, handshake)


def _dialled(
    scene: Scene, role: Literal["service", "pod"], label: str, seen: Handshake | None, *, known: bool
) -> Step:
    """A step that somebody dialled: it is broken where that did not get in."""
    if seen is None:
        return Step(role=role, label=label, status="ok" if known else "unknown", witness=OBJECT if known else "")
    says = signal_of(seen, scene)
    if seen.outcome is Outcome.ACCEPTED:
        return Step(role=role, label=label, status="ok", witness=seen.witness, says=says)
    return Step(role=role, label=label, status="broken", witness=seen.witness, says=says, note=says)


def _process(scene: Scene, endpoint: Endpoint, seen: Handshake | None) -> Iterator[Step]:
    """Who listens there: by the pod's sockets, else whoever accepted, unless a mesh's proxy does that for all."""
    pod = endpoint.pod
    told = scene.known(LISTENERS, pod_key(pod)) if pod else None
    sockets = [one for one in told.sockets if one.port == endpoint.port] if told else []
    if told and sockets:
        owner = next((one.owner for one in sockets if one.owner), "a process")
        label = f"{owner} on {', '.join(map(_shown, sockets[:MOST_NAMED]))}"
        yield Step(role="process", label=label, status="ok", witness=told.witness, says="LISTEN")
    elif told:
        label = f"port {endpoint.port}"
        yield Step(
            role="process", label=label, status="unknown", witness=told.witness, says="nobody listens on it"
        )
    elif pod and seen and says_nothing(scene, pod, seen):
        note = "a proxy accepts for the app, and nobody looked behind it"
        yield Step(role="process", label=f"port {endpoint.port}", status="unknown", note=note)
    elif seen and seen.outcome is Outcome.ACCEPTED:
        label = f"port {endpoint.port}"
        yield Step(role="process", label=label, status="ok", witness=seen.witness, says="somebody accepts")


def _shown(socket: Socket) -> str:
    return place(socket.address, socket.port)
