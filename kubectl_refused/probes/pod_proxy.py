"""A dial by the API server: one GET through the pod or service proxy, which creates nothing.

It is a fallback witness. The dial starts at the API server (or its tunnel's agent), so NetworkPolicies and
meshes see another client; the service proxy picks an endpoint itself and never passes kube-proxy; and it
speaks HTTP, so any answer, even one that is no HTTP, proves that the port accepts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace as changed

from kubectl_refused.connection.answers import Response
from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.port_forward import dial_by_port_forward
from kubectl_refused.model.facts import HANDSHAKE, Dial, Fact, Need, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, Service
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.port_forward import Forward
from kubectl_refused.probes.proxy_answers import Verdict, http_answer, speaks_of, verdict_of
from kubectl_refused.sources.reads import each, namespaced
from kubectl_refused.text import one_line

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

LARGEST_BODY = 64 * 1024  # a Status is small, and of an application's page only its being there counts
EXTRA_SECONDS = 1.5  # for the way to the API server and back, on top of the dial's own time

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

_NO_POD = "the service proxy passes over endpoints that name no pod, as those written by hand"

Ask = Callable[["Connection", str, float], Response]


class Route(Struct, frozen=True):
    """How to reach a dial through a proxy: API path, witness, the object's name, and the pod if it is one."""

    path: str
    witness: str
    shown: str
    pod: PodPort | None = None


class PodProxy:
    """Dials through pods/proxy and services/proxy. `ask` and `forward` are given by tests."""

    name = "pod-proxy"
    order = 50
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE})
    # Either reaches some of the addresses; what is forbidden then says so itself.
    rights: tuple[Right, ...] = ()
    rights_for_pods = (Right("get", "pods", subresource="proxy"),)
    rights_for_services = (Right("get", "services", subresource="proxy"),)
    ways = (rights_for_pods, rights_for_services)
    proves = "whether the API server reaches an address"
    acts_in_target = True

    def __init__(self, ask: Ask | None = None, forward: Forward = dial_by_port_forward) -> None:
        self._ask, self._forward = ask or ask_once, forward

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Dial every address, side by side."""
        context.say("dialling through the API server")
        values = each(lambda dial: self._dial(context, dial), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))

    def _dial(self, context: ProbeContext, dial: Dial) -> Handshake | Gap:
        what = f"a TCP dial to {shown(dial)}"
        route = route_to(dial, context.snapshot)
        if route is None:
            return Gap(what, "the API server's proxies reach pods and Services only", _deeper(context))
        touch = f"one GET / through {route.shown}"
        context.ledger.record(touch, "read only")
        start = time.monotonic()
        limit = context.settings.dial_timeout + EXTRA_SECONDS
        try:
            response = self._ask(context.connection, route.path, limit)
        except Unreachable:
            if time.monotonic() - start < limit * 0.9:
                raise
            return self._silent(context, dial, route, time.monotonic() - start)
        verdict = verdict_of(response)
        if isinstance(verdict, Gap):
            if verdict.because.startswith("forbidden"):  # so it never left the API server
                context.ledger.strike(touch)
            return Gap(what, one_line(verdict.because, 300), verdict.remedy)
        if verdict[0] is Outcome.REJECTED and _passed_over(dial, context.snapshot):
            return Gap(what, _NO_POD, _deeper(context))
        heard = _handshake(dial, route, verdict, time.monotonic() - start)
        return changed(heard, http=http_answer(response)) if response.api_status() is None else heard

    def _silent(self, context: ProbeContext, dial: Dial, route: Route, seconds: float) -> Handshake | Gap:
        """Tell dropped packets from a silent application: the same request on localhost inside the pod decides."""
        why = f"no answer in {seconds:.1f} s through {route.shown}"
        if route.pod and self._answers_inside(context, route.pod):
            detail = f"{why}; by port-forward the same request is answered"
            return _handshake(dial, route, (Outcome.TIMEOUT, detail), seconds)
        unclear = f"{why}: packets are dropped, or the application says nothing"
        return Gap(f"a TCP dial to {shown(dial)}", unclear, _deeper(context))

    def _answers_inside(self, context: ProbeContext, pod: PodPort) -> bool:
        limit = context.settings.dial_timeout
        context.ledger.record(f"port-forward to pod/{pod.pod}:{pod.port}, one GET /", "closed")
        try:
            result = self._forward(context.connection, pod.namespace, pod.pod, pod.port, limit, send=REQUEST)
        except (Forbidden, NotFound, ApiProblem):
            return False
        return result.connected and bool(result.first_bytes)


def _passed_over(dial: Dial, snapshot: Snapshot) -> bool:
    """Whether an endpoint is ready that the service proxy does not take: it skips all that name no pod.

    kubernetes pkg/registry/core/service/storage, isValidAddress ("Address has no target ref, skipping").
    """
    services = (s for s in snapshot.objects.values() if isinstance(s, Service) and _listens_at(s, dial))
    slices = (one for service in services for one in snapshot.slices_of(service))
    ready = (e for one in slices for e in one.endpoints or () if e.conditions.ready is not False)
    return any(e.target_ref is None for e in ready)


def _deeper(context: ProbeContext) -> str:
    """The level that would tell more; nothing where it was asked for and the probe pod failed."""
    return "--probe pods" if context.settings.depth.rank < Depth.PODS.rank else ""


def _handshake(dial: Dial, route: Route, verdict: Verdict, seconds: float) -> Handshake:
    outcome, detail = verdict
    return Handshake(
        host=dial.host,
        port=dial.port,
        outcome=outcome,
        seconds=seconds,
        witness=route.witness,
        source="the API server",
        detail=one_line(detail, 300),
        speaks=speaks_of(detail) if outcome is Outcome.ACCEPTED else "",
    )


def shown(dial: Dial) -> str:
    """Return ADDRESS:PORT, with brackets round an IPv6 address."""
    return f"[{dial.host}]:{dial.port}" if ":" in dial.host else f"{dial.host}:{dial.port}"


def route_to(dial: Dial, snapshot: Snapshot) -> Route | None:
    """Return the proxy that dials this address, None where none does."""
    for value in snapshot.at(dial.host):
        if isinstance(value, Pod) and _is_at(value, dial.host):
            key = PodPort(value.metadata.namespace, value.metadata.name, dial.port)
            path = namespaced(key.namespace, "pods", f"{key.pod}:{key.port}")
            return Route(f"{path}/proxy/", "pod-proxy", f"the pod proxy to pod/{key.pod}:{key.port}", key)
    for value in snapshot.at(dial.host):
        if isinstance(value, Service) and _listens_at(value, dial):
            name = value.metadata.name
            path = namespaced(value.metadata.namespace, "services", f"{name}:{dial.port}")
            return Route(f"{path}/proxy/", "service-proxy", f"the service proxy to svc/{name}:{dial.port}")
    return None


def _is_at(pod: Pod, host: str) -> bool:
    """The proxy dials status.podIPs[0] (kubernetes pkg/registry/core/pod/strategy.go, getPodIP), no other.

    A finished pod keeps its address in its status, though another pod may have it by now.
    """
    status = pod.status
    return status is not None and status.pod_ip == host and status.phase not in ("Succeeded", "Failed")


def _listens_at(service: Service, dial: Dial) -> bool:
    addresses = {service.spec.cluster_ip, *(service.spec.cluster_ips or ())}
    ports = (p for p in service.spec.ports or () if p.protocol == "TCP")
    return dial.host in addresses and any(p.port == dial.port for p in ports)


def ask_once(connection: Connection, path: str, seconds: float) -> Response:
    """GET exactly once, following no redirect and obeying no Retry-After: those would be the application's.

    Raises Unreachable (also when `seconds` have passed) or Cancelled.
    """
    from kubectl_refused.connection import bodies
    from kubectl_refused.connection.answers import unreachable

    deadline = time.monotonic() + seconds
    connection.cancel.check()
    try:
        raw = connection.sender.open("GET", path, [], idle=seconds)
        return bodies.read_all(raw, deadline, connection.cancel, LARGEST_BODY)[0]
    except bodies.transport_errors() as error:
        connection.cancel.check()
        raise unreachable(error, connection.request_of("GET", path)) from error
