"""A dial to localhost inside a pod, by port-forward: needs no shell there and creates nothing.

The runtime dials localhost in the pod's network namespace, so "port-forward works, the pod's address refuses"
is the mark of an app on 127.0.0.1 only. gVisor, Kata and other sandboxes may dial elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.connection.port_forward import ForwardResult, dial_by_port_forward
from kubectl_refused.model.facts import FORWARD, Fact, Need, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.dial_errors import outcome_of
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import one_line


class PortForward:
    """Dials through the port-forward subresource."""

    name = "port-forward"
    order = 10
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({FORWARD})
    # The websocket handshake is a GET; the authorizer sees get or, from 1.35 on, create (KEP 2862's
    # neighbourhood).
    rights = (Right("get", "pods", subresource="portforward"), Right("create", "pods", subresource="portforward"))

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Dial every port, side by side."""
        context.say("dialling by port-forward")
        values = each(lambda key: _dial(context, key), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _dial(context: ProbeContext, key: PodPort) -> Handshake | Gap:
    what = f"port-forward to pod/{key.pod}:{key.port}"
    context.ledger.record(what, "closed")
    try:
        result = dial_by_port_forward(
            context.connection, key.namespace, key.pod, key.port, context.settings.dial_timeout
        )
    except (Forbidden, NotFound, ApiProblem) as error:
        return gap_of(error, what)
    outcome = Outcome.ACCEPTED if result.connected else outcome_of(result.error or "")
    if outcome is None:
        return Gap(what, one_line(result.error or "it ended without an answer"))
    return _handshake(key, outcome, result)


def _handshake(key: PodPort, outcome: Outcome, result: ForwardResult) -> Handshake:
    return Handshake(
        host="localhost",
        port=key.port,
        outcome=outcome,
        seconds=result.seconds,
        witness="port-forward",
        detail=one_line(result.error or "", 300),
    )
