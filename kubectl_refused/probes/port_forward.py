"""A dial to localhost inside a pod, by port-forward: needs no shell there and creates nothing.

The runtime dials localhost in the pod's network namespace, so "port-forward works, the pod's address refuses"
is the mark of an app on 127.0.0.1 only. gVisor, Kata and other sandboxes may dial elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.connection.port_forward import ForwardResult, dial_by_port_forward
from kubectl_refused.model.facts import FORWARD, Fact, Need, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.dial_errors import essence, outcome_of
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import one_line

# dial_by_port_forward's shape: connection, namespace, pod, port, seconds.
Forward = Callable[..., ForwardResult]


class PortForward:
    """Dials through the port-forward subresource. `dial` is given by tests."""

    name = "port-forward"
    order = 10
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({FORWARD})
    # A websocket is opened with GET, so RBAC sees the verb get; newer API servers may want create as well.
    rights: tuple[Right, ...] = (
        Right("get", "pods", subresource="portforward"),
        Right("create", "pods", subresource="portforward"),
    )

    def __init__(self, dial: Forward = dial_by_port_forward) -> None:
        self._dial = dial

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Dial every port, side by side."""
        context.say("dialling by port-forward")
        values = each(lambda key: self._try(context, key), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))

    def _try(self, context: ProbeContext, key: PodPort) -> Handshake | Gap:
        what = f"port-forward to pod/{key.pod}:{key.port}"
        context.ledger.record(what, "closed")
        limit = context.settings.dial_timeout
        try:
            result = self._dial(context.connection, key.namespace, key.pod, key.port, limit)
        except (Forbidden, NotFound, ApiProblem) as error:
            if isinstance(error, Forbidden):
                context.ledger.strike(what)
            return gap_of(error, what)
        return handshake_of(key, result, what)


def handshake_of(key: PodPort, result: ForwardResult, what: str) -> Handshake | Gap:
    """Return what the runtime's answer says about the dial; a Gap where it tells of something else."""
    outcome = Outcome.ACCEPTED if result.connected else outcome_of(result.error or "")
    if outcome is None:
        return Gap(what, one_line(essence(result.error or "it ended without an answer"), 300))
    return Handshake(
        host="localhost",
        port=key.port,
        outcome=outcome,
        seconds=result.seconds,
        witness="port-forward",
        detail=one_line(essence(result.error or ""), 300),
    )
