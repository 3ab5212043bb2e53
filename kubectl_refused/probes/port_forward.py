"""A dial to localhost inside a pod, by port-forward: needs no shell there and creates nothing.

The runtime dials localhost in the pod's network namespace, so "port-forward works, the pod's address refuses"
is the mark of an app on 127.0.0.1 only. Nothing is said when such a dial succeeds, so silence is believed only
where the same pod's port 1, on which nobody listens, is refused in the same way (a control, one dial a pod).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.connection.port_forward import ForwardResult, dial_by_port_forward
from kubectl_refused.model.facts import FORWARD, LOG, SEARCH, ContainerKey, Fact, Need, PodKey, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Log, Outcome, Search
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.dial_errors import essence, outcome_of
from kubectl_refused.probes.pod_lookup import find_pod
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import one_line
from kubectl_refused.trace.candidate_ports import candidates
from kubectl_refused.trace.containers import containers
from kubectl_refused.trace.runtimes import forward_doubt

# dial_by_port_forward's shape: connection, namespace, pod, port, seconds.
Forward = Callable[..., ForwardResult]
# tcpmux (RFC 1078), which nobody serves; the second where the first is what is asked about.
CONTROLS = (1, 7)
SHOWN_PORTS = 6


class PortForward:
    """Dials through the port-forward subresource. `dial` is given by tests."""

    name = "port-forward"
    order = 10
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({FORWARD, SEARCH})
    # A websocket is opened with GET, so RBAC sees the verb get; newer API servers may want create as well.
    rights: tuple[Right, ...] = (
        Right("get", "pods", subresource="portforward"),
        Right("create", "pods", subresource="portforward"),
    )
    proves = "whether the application answers on localhost inside its pod"

    def __init__(self, dial: Forward = dial_by_port_forward) -> None:
        self._dial = dial
        self._lock = threading.Lock()
        self._controls: dict[PodKey, str] = {}

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Dial every port, side by side; searches one after another, each with all its ports side by side."""
        forwards = [need for need in needs if need.fact is FORWARD]
        searches = [need for need in needs if need.fact is SEARCH]
        context.say("dialling by port-forward" if forwards else "looking for the port by port-forward")
        values = each(lambda need: self._forward(context, need.subject), forwards)
        return [
            *zip(forwards, values, strict=True),
            *((need, self._search(context, need.subject)) for need in searches),
        ]

    def _forward(self, context: ProbeContext, key: PodPort) -> Handshake | Gap:
        what = f"port-forward to pod/{key.pod}:{key.port}"
        pod = find_seen(context, key)
        if pod and (doubt := forward_doubt(pod, accepted=True)):
            return Gap(what, doubt)
        context.ledger.record(what, "closed")
        found = self._try(context, key, what)
        if isinstance(found, Gap):
            return found
        accepted = found.outcome is Outcome.ACCEPTED
        doubt = forward_doubt(pod, accepted=accepted) if pod else ""
        if accepted and not found.detail:
            doubt = doubt or self._control(context, key)
        return Gap(what, doubt) if doubt else found

    def _try(self, context: ProbeContext, key: PodPort, what: str) -> Handshake | Gap:
        limit = context.settings.dial_timeout
        try:
            result = self._dial(context.connection, key.namespace, key.pod, key.port, limit)
        except (Forbidden, NotFound, ApiProblem) as error:
            if isinstance(error, Forbidden):
                context.ledger.strike(what)
            return gap_of(error, what)
        return handshake_of(key, result, what)

    def _control(self, context: ProbeContext, key: PodPort) -> str:
        """Why silence is no accept in this pod, as one clause; empty where the control was refused."""
        pod = PodKey(key.namespace, key.pod)
        with self._lock:  # so that one pod is dialled once, however many of its ports were asked for
            if pod not in self._controls:
                self._controls[pod] = self._dial_control(context, key)
            return self._controls[pod]

    def _dial_control(self, context: ProbeContext, key: PodPort) -> str:
        port = next(p for p in CONTROLS if p != key.port)
        what = f"port-forward to pod/{key.pod}:{port}"
        context.ledger.record(f"{what}, a control", "closed")
        seen = self._try(context, replace(key, port=port), what)
        if isinstance(seen, Gap):
            return f"its silence is no accept: a control on port {port} was not refused ({seen.because})"
        if seen.outcome is Outcome.REFUSED:
            return ""
        return f"its silence is no accept: port {port}, where nobody listens, is {seen.outcome.value} too"

    def _search(self, context: ProbeContext, key: PodPort) -> Search | Gap:
        """Dial the ports that the pod's app may be on instead."""
        what = f"other ports of pod/{key.pod} by port-forward"
        pod = find_pod(context, PodKey(key.namespace, key.pod))
        if isinstance(pod, Gap):
            return pod
        ports = candidates(pod, log_lines(context, pod), key.port)
        if doubt := forward_doubt(pod, accepted=False):
            return Gap(what, doubt)
        shown = ", ".join(map(str, ports[:SHOWN_PORTS])) + (", …" if len(ports) > SHOWN_PORTS else "")
        touch = f"port-forward to {len(ports)} port{'s' if ports[1:] else ''} of pod/{key.pod} ({shown})"
        context.ledger.record(touch, "closed")
        seen = each(lambda port: self._try(context, replace(key, port=port), touch), ports)
        told = [(p, s) for p, s in zip(ports, seen, strict=True) if not isinstance(s, Gap)]
        if not told:
            return next((s for s in seen if isinstance(s, Gap)), Gap(what, "the pod names no port"))
        accepted = tuple(p for p, s in told if s.outcome is Outcome.ACCEPTED)
        if accepted and not any(s.outcome is Outcome.REFUSED for _, s in told):
            return Gap(what, "none of them was refused, so that an accept proves nothing")
        return Search(tuple(p for p, _ in told), accepted)


def find_seen(context: ProbeContext, key: PodPort) -> Pod | None:
    """The pod as it was read; None where it was not: then nothing is doubted, and no request is made for it."""
    seen = context.snapshot.objects.get(("Pod", key.namespace, key.pod))
    return seen if isinstance(seen, Pod) else None


def log_lines(context: ProbeContext, pod: Pod) -> list[str]:
    """What the logs that were read already say."""
    space, name = pod.metadata.namespace, pod.metadata.name
    known = context.facts.known
    logs = (known.get(Need(LOG, ContainerKey(space, name, c.name))) for c in containers(pod))
    return [line for log in logs if isinstance(log, Log) for line in log.lines]


def handshake_of(key: PodPort, result: ForwardResult, what: str) -> Handshake | Gap:
    """Return what the runtime's answer says about the dial; a Gap where it tells of something else.

    `detail` of an accept is set where the app spoke, so that the accept needs no control.
    """
    outcome = Outcome.ACCEPTED if result.connected else outcome_of(result.error or "")
    if outcome is None:
        return Gap(what, one_line(essence(result.error or "it ended without an answer"), 300))
    spoke = f"the app sent {len(result.first_bytes)} bytes" if result.connected and result.first_bytes else ""
    return Handshake(
        host="localhost",
        port=key.port,
        outcome=outcome,
        seconds=result.seconds,
        witness="port-forward",
        detail=one_line(essence(result.error or ""), 300) or spoke,
    )
