"""A proxy accepts and answers, and cannot reach whom it sends to.

Why it refuses:
    The Service leads to a proxy or a gateway, which takes every connection by itself. Only then it dials its
    upstream, is refused there, or has none that works, and tells so in its own words: 502 (nginx, Traefik), 503
    (Envoy, HAProxy), 504 where nobody answers. The fault is behind it. Seen where a GET is sent: at --probe
    passive, through the API server, or with --guess-protocol.
Confirm:
    kubectl logs POD    # upstream: "http://10.96.1.2:80/", "503 UF", "backend/<NOSRV>"
Fix:
    Mend the Service that the proxy sends to, or point the proxy at one that works.
See:
    https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass
    https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags
    https://docs.haproxy.org/2.6/configuration.html#8.5
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from msgspec import Struct

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, Onward, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, HOLDER, LOG, WORKLOAD, AddressKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.aliases import inside
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.gateway_answers import Gateway, gateway_of
from kubectl_refused.trace.testimonies import log_lines, log_said
from kubectl_refused.trace.upstreams import Upstream, logged, marks_of, settings_of
from kubectl_refused.trace.veils import says_nothing

_MOST_CONTAINERS = 4
_LOOPBACK = ("localhost", "127.", "::1")


@cause(
    "KR505",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, HOLDER, LOG, WORKLOAD},
    produces=Symptom.RESET,
    since="0.3",
    needs_symptom=True,
)
def proxy_cannot_reach_upstream(scene: Scene) -> Iterator[Finding]:
    """Yield when an endpoint's answer is a proxy's own page for a dead upstream.

    Proved where the proxy's log says to whom this very request went; who else failed lately is likely.
    """
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        heard, pod = view.dialled if scene.handshake(view.endpoint_dial) else None, endpoint.pod
        gateway = gateway_of(heard.http) if heard else None
        if heard is None or gateway is None or (pod and says_nothing(view, pod, heard)):
            continue
        answer = _Answer(heard, gateway, *(_log(view, pod, heard) if pod else ("", ())))
        if not any(told.host.startswith(_LOOPBACK) for told in answer.upstreams):
            yield _finding(view, pod, answer)


class _Answer(Struct, frozen=True):
    """What a proxy answered, and whom its container's log says it could not reach."""

    heard: Handshake
    gateway: Gateway
    container: str
    upstreams: tuple[Upstream, ...]

    @property
    def status(self) -> int:
        return self.heard.http.status if self.heard.http else 0


def _log(scene: Scene, pod: Pod, heard: Handshake) -> tuple[str, tuple[Upstream, ...]]:
    """The container whose log names upstreams that failed, and those."""
    for container in containers(pod)[:_MOST_CONTAINERS]:
        lines = log_lines(scene, pod, container.name, previous=False)
        if found := logged(lines, settings_of(pod), marks_of(heard)):
            return container.name, found
    return "", ()


def _onward(scene: Scene, told: Upstream) -> Onward | None:
    """The Service that the upstream is, by its address or by its name."""
    try:
        ip_address(told.host)
    except ValueError:
        within, own = inside(told.host), scene.target.namespace
        if within:
            return Onward(within.namespace, within.name, told.port)
        return None if "." in told.host else Onward(own, told.host, told.port)
    holder = scene.maybe(HOLDER, AddressKey(told.host))
    if holder is None or holder.kind != "Service":
        return None
    return Onward(holder.namespace, holder.name, told.port)


def _finding(scene: Scene, pod: Pod | None, answer: _Answer) -> Finding:
    heard, gateway = answer.heard, answer.gateway
    who = f"pod/{pod.metadata.name}" if pod else place(heard.host, heard.port)
    said = f"port {heard.port} answers {answer.status}: {gateway.said}"
    proof: list[Evidence] = [WitnessEvidence(witness=heard.witness, subject=who, says=said)]
    ways = [(told, _onward(scene, told)) for told in answer.upstreams]
    if pod:
        proof += [log_said(pod, answer.container, told.line, previous=False) for told, _ in ways[:2]]
    leads = " or ".join(_named(scene, pod, told, onward) for told, onward in ways)
    says = f"{gateway.proxy} answers {answer.status}, {gateway.trouble}"
    mine = len(ways) == 1 and ways[0][0].ours
    return Finding(
        where=f"port {heard.port} of {who}",
        says=says + (f": {leads}" if leads else ""),
        headline=f"{gateway.proxy} accepts, and cannot reach {leads or 'its upstream'} behind it",
        certainty=Certainty.PROVED if mine and gateway.sure else Certainty.LIKELY,
        evidence=tuple(proof),
        fix=_fix(scene, pod, gateway.proxy, leads),
        onward=ways[0][1] if len(ways) == 1 else None,
    )


def _named(scene: Scene, pod: Pod | None, told: Upstream, onward: Onward | None) -> str:
    """`svc/cart:80`, with its namespace where that is another; an address that is no Service's as it stands, but
    for one of the proxy's own pod."""
    own_addresses = (one.ip for one in (pod.status.pod_ips or () if pod and pod.status else ()))
    if told.host in own_addresses:
        return f"port {told.port} of its own pod"
    if onward is None:
        return place(told.host, told.port)
    own = onward.namespace == scene.target.namespace
    return f"svc/{onward.name}:{onward.port}" + ("" if own else f" of namespace {onward.namespace}")


def _fix(scene: Scene, pod: Pod | None, proxy: str, leads: str) -> Fix:
    if leads:
        return Fix(summary=f"Mend {leads}, to which {proxy} sends, or point {proxy} at one that works")
    owner = ""
    if pod:
        kind, metadata, _ = workload_of(scene, pod)
        owner = named(kind, metadata.name)
    return Fix(
        summary=f"Find out where {proxy} sends ({owner or 'its settings'}), and mend that", owner=owner or None
    )
