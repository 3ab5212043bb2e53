"""A proxy in the pod accepts and sends to a port where nobody listens.

Why it refuses:
    TCP connects, as the targetPort is the proxy's own listener. The proxy then dials its upstream at localhost in
    the pod's network namespace, meets an RST, and answers 502 (nginx, oauth2-proxy) or 503 (Envoy, HAProxy). The
    app itself may be well, on another port. Seen where a GET is sent: at --probe passive, through the API server.
Confirm:
    kubectl logs POD -c PROXY    # connect() failed (111: Connection refused) while connecting to upstream
Fix:
    Point the proxy's upstream at the port the app listens on, or let the app listen where the proxy sends.
See:
    https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, LOG, SEARCH, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene, pod_key, pod_port
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.candidate_ports import app_ports
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.gateway_answers import gateway_of
from kubectl_refused.trace.proofs import sockets
from kubectl_refused.trace.runtimes import mesh_of
from kubectl_refused.trace.testimonies import log_lines, log_said
from kubectl_refused.trace.upstreams import logged

_GATEWAY = lazily(r"\banswer(?:s|ed HTTP/[\d.]+) 50[234]\b")
# nginx: upstream: "http://127.0.0.1:3000/"; Go's proxies: dial tcp 127.0.0.1:3000: connect: connection refused.
_UPSTREAM = lazily(r"(?:127\.0\.0\.1|localhost|\[::1\]):(\d{2,5})\b")
_LOOPBACK = ("localhost", "127.", "::1")
_MOST_CONTAINERS = 4


@cause(
    "KR421",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, LISTENERS, FORWARD, SEARCH, LOG, WORKLOAD},
    produces=Symptom.RESET,
    since="0.2",
    needs_symptom=True,
)
def sidecar_sends_to_wrong_port(scene: Scene) -> Iterator[Finding]:
    """Yield when a proxy answers for a bad gateway, and its log names a port at localhost that refuses."""
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        heard, pod = view.dialled if scene.handshake(view.endpoint_dial) else None, endpoint.pod
        if heard is None or pod is None or not (_GATEWAY.search(heard.detail) or gateway_of(heard.http)):
            continue
        if len(containers(pod)) > 1 and mesh_of(pod) is None:
            yield from _behind(view, pod, heard)


def _behind(scene: Scene, pod: Pod, heard: Handshake) -> Iterator[Finding]:
    """The last line of a container's log that names an upstream which refuses is the proxy's."""
    for container in containers(pod)[:_MOST_CONTAINERS]:
        for line in reversed(log_lines(scene, pod, container.name, previous=False)):
            port = _upstream(line)
            if port in (None, heard.port):
                continue
            if port and (proof := _refusing(scene, pod, port)):
                said = log_said(pod, container.name, line, previous=False)
                yield _finding(scene, pod, heard, container.name, port, [*proof, said])
            return


def _upstream(line: str) -> int | None:
    """The port at localhost that refuses the proxy, by a line of its log; Envoy's has a flag instead of words."""
    if "refused" in line.lower() and (told := _UPSTREAM.search(line)):
        return int(told[1])
    return next((one.port for one in logged([line]) if one.host.startswith(_LOOPBACK)), None)


def _refusing(scene: Scene, pod: Pod, port: int) -> list[Evidence]:
    """That nobody listens there: by the pod's sockets, else by port-forward; nothing where somebody may."""
    listeners = scene.maybe(LISTENERS, pod_key(pod))
    if listeners is not None:
        return [] if any(s.port == port for s in listeners.sockets) else [sockets(pod, listeners)]
    inside = scene.maybe(FORWARD, pod_port(pod, port))
    if inside is None or inside.outcome is not Outcome.REFUSED:
        return []
    says = f"port-forward to {port} is refused at localhost in the pod"
    return [WitnessEvidence(witness="port-forward", subject=f"pod/{pod.metadata.name}", says=says)]


def _meant(scene: Scene, pod: Pod, taken: int, upstream: int) -> int | None:
    """The other port on which the pod's app listens, if there is one."""
    listeners = scene.known(LISTENERS, pod_key(pod))
    if listeners is not None:
        ports: tuple[int, ...] = tuple(s.port for s in listeners.sockets)
    else:
        search = scene.maybe(SEARCH, pod_port(pod, upstream))
        ports = search.accepted if search else ()
    return next((p for p in app_ports(pod, ports) if p != taken), None)


def _finding(
    scene: Scene, pod: Pod, heard: Handshake, proxy: str, upstream: int, proof: list[Evidence]
) -> Finding:
    kind, metadata, _ = workload_of(scene, pod)
    owner, meant = named(kind, metadata.name), _meant(scene, pod, heard.port, upstream)
    says = f"it sends to localhost:{upstream}, where nobody listens"
    page = gateway_of(heard.http)
    answered = f"it answers {heard.http.status}: {page.said}" if page and heard.http else heard.detail
    status = f"port {heard.port} accepts, and {answered}"
    remedy = f"Let the app listen on localhost:{upstream}, where container {proxy} sends"
    if meant:
        remedy = f"Point the upstream of container {proxy} at localhost:{meant}"
    return Finding(
        where=f"container {proxy} of pod/{pod.metadata.name}",
        says=says + (f"; the app listens on {meant}" if meant else ""),
        headline=f"container {proxy} accepts for the app and sends to localhost:{upstream}, where nobody listens",
        certainty=Certainty.PROVED,
        evidence=(
            WitnessEvidence(witness=heard.witness, subject=f"pod/{pod.metadata.name}", says=status),
            *proof,
        ),
        fix=Fix(summary=f"{remedy} ({owner})", owner=owner),
    )
