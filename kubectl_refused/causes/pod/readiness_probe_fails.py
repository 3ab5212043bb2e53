"""The readiness probe gets an answer that means "not ready".

Why it refuses:
    The kubelet takes an HTTP status outside 200 to 399, a broken or late answer, or a command that fails as "not
    ready", and the pod's endpoint gets no traffic, although its port may be open. Common slips are the path,
    and HTTP on a port that speaks HTTPS or the other way round.
Confirm:
    kubectl describe pod POD    # Unhealthy: Readiness probe failed
Fix:
    Probe what the app really answers, or mend what makes it say no.
See:
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import container_change, named, workload_of
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import EVENTS, LISTENERS, WORKLOAD
from kubectl_refused.model.objects import Event, Pod
from kubectl_refused.model.scene import Scene, pod_key
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.exits import innermost
from kubectl_refused.trace.probing import Failing, failing_probes
from kubectl_refused.trace.proofs import field
from kubectl_refused.trace.testimonies import event_said, events_saying

# kubernetes pkg/probe/http/http.go and Go's net/http: words of an answer that is no good.
_STATUS = lazily(r"statuscode: (\d{3})")
_WANTS_HTTPS = lazily(r"malformed HTTP response|HTTP request to an HTTPS server")
_WANTS_HTTP = lazily(r"HTTP response to HTTPS client|first record does not look like a TLS handshake")
_LATE = lazily(r"deadline exceeded|i/o timeout|Client\.Timeout|timed out|timeout:")


@cause(
    "KR212",
    scope=Scope.POD,
    reads={EVENTS, LISTENERS, WORKLOAD},
    produces=Symptom.NOT_READY,
    shows=Symptom.HANGING,
    since="0.1",
    needs_symptom=True,
)
def readiness_probe_fails(scene: Scene) -> Iterator[Finding]:
    """Yield when the kubelet's last word of a container that runs is a failed probe that was not refused."""
    pod = scene.pod
    if pod is None:
        return
    for failing in failing_probes(pod):
        events = events_saying(scene, pod, rf"^{failing.kind.capitalize()} probe failed")
        if events and "connection refused" not in events[-1].message:
            if _LATE.search(events[-1].message):
                scene.maybe(
                    LISTENERS, pod_key(pod)
                )  # an app that hangs is another cause's to say, if they tell so
            yield _finding(scene, pod, failing, events[-1])


def _finding(scene: Scene, pod: Pod, failing: Failing, event: Event) -> Finding:
    message = event.message.partition("probe failed:")[2].strip()
    why = _why(message)
    told = _told(failing)
    subject, asks = f"pod/{pod.metadata.name}", f"the {failing.field} asks {told}"
    evidence: list[Evidence] = [
        event_said(pod, event),
        field(scene, subject, f"spec.containers[].{failing.field}", told, asks),
    ]
    return Finding(
        where=f"container {failing.container.name} of {subject}",
        says=f"{failing.field} asks {told}; the answer is {why}",
        headline=f"the {failing.kind} probe fails: {why}",
        evidence=tuple(evidence),
        fix=_fix(scene, pod, failing, message, told),
    )


def _told(failing: Failing) -> str:
    """`HTTP GET /ready on 8080`, or the command."""
    probe = failing.probe
    if probe.http_get:
        return f"{probe.http_get.scheme} GET {probe.http_get.path} on {probe.http_get.port}"
    if probe.tcp_socket:
        return f"for a connection to {probe.tcp_socket.port}"
    if probe.grpc:
        return f"gRPC health on {probe.grpc.port}"
    return one_line(" ".join((probe.exec.command if probe.exec else None) or ()), 80)


def _why(message: str) -> str:
    if status := _STATUS.search(message):
        return f"HTTP status {status[1]}"
    if _WANTS_HTTPS.search(message):
        return "no HTTP: the port speaks HTTPS"
    if _WANTS_HTTP.search(message):
        return "no HTTPS: the port speaks HTTP"
    if _LATE.search(message):
        return "too late"
    return innermost(message) or "it printed nothing"


def _fix(scene: Scene, pod: Pod, failing: Failing, message: str, told: str) -> Fix:
    name = failing.container.name
    wanted = "HTTPS" if _WANTS_HTTPS.search(message) else "HTTP" if _WANTS_HTTP.search(message) else ""
    if wanted and failing.probe.http_get:
        fields = {failing.field: {"httpGet": {"scheme": wanted}}}
        return container_change(scene, pod, name, f"Set the scheme of the {failing.field} to {wanted}", fields)
    kind, metadata, _ = workload_of(scene, pod)
    owner = named(kind, metadata.name)
    return Fix(summary=f"{_cure(failing, message, told)} ({owner}, container {name})", owner=owner)


def _cure(failing: Failing, message: str, told: str) -> str:
    status = _STATUS.search(message)
    if status and status[1] in ("401", "403", "404", "405"):
        return f"Probe what the app answers with 200 instead of {told}"
    if _LATE.search(message):
        return f"Give the {failing.field} more time (timeoutSeconds), or make the app answer sooner"
    return f"Mend what makes the app say that it is not ready ({told})"
