"""The walk of pods past every Service: each pod's own address, at the port that was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, Dial, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, ServicePort, Workload
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.scene import Endpoint, Family, Scene, pod_key
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target, Vantage

from .candidate_ports import own_ports
from .containers import containers, resolve_target_port
from .labels import selects
from .offenders import unnamed_offenders
from .other_policies import asked_for
from .runtimes import app_sockets
from .sockets import is_loopback
from .statuses import running
from .walks import Stop

MOST_PODS = 500
_ENDED = ("Succeeded", "Failed")


def scenes(target: Target, snapshot: Snapshot, facts: FactStore, vantage: Vantage) -> tuple[Scene, ...]:
    """One for each port and family; one without a port where none is known, without pods where there is none."""
    pods = target_pods(target, snapshot)
    bare = Scene(target, vantage, snapshot, facts, pods=pods)
    ports = _ports(target, pods, facts)
    found = (_scene(bare, port, family) for port in ports for family in _families(pods))
    return tuple(found) or (bare,)


def target_pods(target: Target, snapshot: Snapshot) -> tuple[Pod, ...]:
    """The pod asked about, or those of the workload; without any that live, what is left of them."""
    found = snapshot.objects.get((target.kind, target.namespace, target.name))
    if isinstance(found, Pod):
        return (found,)
    if not isinstance(found, Workload) or found.spec.selector is None:
        return ()
    selector = found.spec.selector
    mine = tuple(p for p in snapshot.pods(target.namespace) if selects(selector, p.metadata.labels))
    return tuple(p for p in mine if not _gone(p)) or mine


def _gone(pod: Pod) -> bool:
    ended = pod.status is not None and pod.status.phase in _ENDED
    return ended or pod.metadata.deletion_timestamp is not None


def _ports(target: Target, pods: Sequence[Pod], facts: FactStore) -> tuple[ServicePort, ...]:
    """The one asked for; else those that containers declare; else those that the first pod listens on."""
    if target.port is not None:
        wanted: int | str = int(target.port) if target.port.isdecimal() else target.port
        one = ServicePort(port=0, protocol="TCP", target_port=wanted)
        number = next((n for p in pods if (n := resolve_target_port(p, one))), None)
        return (replace(one, port=number),) if number else ()
    numbers = declared(pods) or (_heard(pods, facts) if pods else ())
    return tuple(ServicePort(port=number, protocol="TCP", target_port=number) for number in numbers)


def declared(pods: Sequence[Pod]) -> tuple[int, ...]:
    """The TCP ports that containers of the pods declare."""
    listed = (p for pod in pods for c in containers(pod) for p in c.ports or () if p.protocol == "TCP")
    return tuple(dict.fromkeys(p.container_port for p in listed))


def _heard(pods: Sequence[Pod], facts: FactStore) -> tuple[int, ...]:
    """The ports of the app's listeners; those on loopback too, where it has no others."""
    known = facts.get(LISTENERS, pod_key(pods[0]))
    if not isinstance(known, Listeners):
        return ()
    mine = app_sockets(pods[0], known.sockets)
    address = pods[0].status.pod_ip if pods[0].status else None
    open_ports = tuple(own_ports(pods[0], known.sockets, address or ""))
    return open_ports or tuple(dict.fromkeys(s.port for s in mine if is_loopback(s.address)))


def _families(pods: Sequence[Pod]) -> tuple[Family, ...]:
    told = {address for pod in pods for address in addresses(pod)}
    families: tuple[Family, ...] = ("IPv4", "IPv6")
    found = tuple(f for f in families if any((":" in a) == (f == "IPv6") for a in told))
    return found or ("IPv4",)


def addresses(pod: Pod) -> tuple[str, ...]:
    """Of each family one, none of a pod that has ended: its address may be another's by now."""
    if pod.status is None or pod.status.phase in _ENDED:
        return ()
    given = (pod.status.pod_ip, *(each.ip for each in pod.status.pod_ips or ()))
    return tuple(dict.fromkeys(one for one in given if one))


def _scene(bare: Scene, port: ServicePort, family: Family) -> Scene:
    endpoints = tuple(_endpoints(bare.pods[:MOST_PODS], port, family))
    dials = (Dial(e.address, e.port, bare.vantage.key) for e in endpoints if e.port is not None)
    return replace(bare, port=port, family=family, endpoints=endpoints, ways=tuple(dials))


def _endpoints(pods: Sequence[Pod], port: ServicePort, family: Family) -> Iterator[Endpoint]:
    """`ready` is who could accept: readiness keeps a Service's clients away, and nobody who dials the pod."""
    for pod in pods:
        for address in addresses(pod):
            if (":" in address) == (family == "IPv6"):
                yield Endpoint(
                    address,
                    resolve_target_port(pod, port),
                    ready=running(pod),
                    terminating=pod.metadata.deletion_timestamp is not None,
                    node=pod.spec.node_name or "",
                    target_name=pod.metadata.name,
                    target_uid=pod.metadata.uid,
                    pod=pod,
                )


def questions(scene: Scene) -> Iterator[Need]:
    """Each pod's address; where no port is known yet, on which the first one listens."""
    if scene.from_files:
        return
    if scene.port is None and scene.target.port is None:
        yield from (Need(LISTENERS, pod_key(pod)) for pod in scene.pods[:1] if running(pod))
    yield from (Need(HANDSHAKE, dial) for dial in scene.ways)
    yield from unnamed_offenders(scene)
    yield from asked_for(scene)


def not_walked(target: Target, snapshot: Snapshot, depth: Depth) -> Iterator[Gap]:
    """Names that no container declares, targets without a port to dial, pods beyond the bound."""
    pods = target_pods(target, snapshot)
    if len(pods) > MOST_PODS:
        yield Gap(f"{len(pods) - MOST_PODS} more pods of {target}", f"only the first {MOST_PODS} are dialled")
    if pods and target.port is None and not declared(pods) and depth.rank < Depth.PODS.rank:
        yield Gap(str(target), "no container declares a port, so none was dialled", f"type {target}:PORT")


def stops(scene: Scene) -> Sequence[Stop]:
    """The pods with their state; behind them the address of one that fails, else of the first."""
    if not scene.pods:
        return ()
    found = [Stop(_state_told(scene), frozenset({"pod"}))]
    failing = _telling(scene)
    if failing is not None and failing.port is not None and failing.ready:
        shown = f"[{failing.address}]" if ":" in failing.address else failing.address
        found.append(Stop(f"{shown}:{failing.port}", frozenset({"forwarder", "policy", "process", "direct"})))
    return found


def _state_told(scene: Scene) -> str:
    up = [pod for pod in scene.pods if running(pod)]
    if len(scene.pods) > 1:
        return f"{len(up)} of {len(scene.pods)} pods running"
    where = scene.pods[0].spec.node_name
    return ("running" if up else "not running") + (f" on {where}" if where else "")


def _telling(scene: Scene) -> Endpoint | None:
    from kubectl_refused.model.observation import Outcome

    seen = ((e, scene.handshake(scene.at_endpoint(e).endpoint_dial)) for e in scene.ready_endpoints)
    failing = (e for e, h in seen if h and h.outcome is not Outcome.ACCEPTED)
    return next(failing, next(iter(scene.ready_endpoints), None))
