"""Dials from inside the target's own pod: the probe agent runs by exec in one of its containers.

What a socket takes that is bound to [::] is told by a dial of 127.0.0.1 alone: /proc/net/tcp6 does not show
IPV6_V6ONLY, and no policy or firewall stands between a pod and its own loopback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.model.facts import HANDSHAKE, INSIDE, Dial, Fact, InsideDial, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.agent_round import asked_of
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.client_exec import MOST_CONTAINERS, Run, attempt_in, run_held
from kubectl_refused.probes.pod_lookup import find_pod, running_containers
from kubectl_refused.sources.reads import each, gap_of

CANNOT = "its containers have neither python3 nor sh with nc"


class InsideExec:
    """The Method `inside-exec`. `run` is given by tests."""

    name = "inside-exec"
    order = 32
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({INSIDE})
    rights: tuple[Right, ...] = tuple(Right(verb, "pods", subresource="exec") for verb in ("get", "create"))
    proves = "what the pod itself meets at its ports"

    def __init__(self, run: Run = run_held) -> None:
        self._run = run

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield a Handshake for each (INSIDE, InsideDial), or a Gap."""
        context.say("dialling inside the pod")
        values = each(lambda subject: _dial(context, subject, self._run), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _dial(context: ProbeContext, subject: InsideDial, run: Run) -> Handshake | Gap:
    what = f"a dial inside pod/{subject.pod}"
    pod = find_pod(context, PodKey(subject.namespace, subject.pod))
    if isinstance(pod, Gap):
        return Gap(what, pod.because, pod.remedy)
    touch = f"exec in pod/{subject.pod}: the probe agent"
    context.ledger.record(touch, "ended by itself")
    try:
        return _in_containers(context, pod, subject, run, what)
    except (Forbidden, NotFound, ApiProblem, Unreachable) as problem:
        if isinstance(problem, Forbidden | NotFound):
            context.ledger.strike(touch)
        return gap_of(problem, what)


def _in_containers(context: ProbeContext, pod: Pod, subject: InsideDial, run: Run, what: str) -> Handshake | Gap:
    """The answer of the first container that can dial; they share one network namespace."""
    asked = asked_of([Need(HANDSHAKE, Dial(subject.host, subject.port))])
    one = replace(context, settings=replace(context.settings, dials=1, guess=False))
    why = CANNOT
    for container in running_containers(pod)[:MOST_CONTAINERS]:
        attempt = attempt_in(run, one, pod, asked, container)
        for value in attempt.answers.values.values():
            if isinstance(value, Handshake):
                return replace(value, witness=f"exec in {subject.pod}")
        why = why if attempt.unable else attempt.why or why
    return Gap(what, why)
