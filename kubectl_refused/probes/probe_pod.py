"""Dials and lookups from a pod of our own in the Service's namespace: the best witness there is.

A Job runs the probe agent (probe_agent.py), which writes its answers to the pod's log and stays a while; later
questions of the same diagnosis are put to it by exec.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, ConnectionProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.connection.logs import follow_log
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, Fact, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes.base import ProbeContext, Right
from kubectl_refused.probes.cleanup import Leftover, leftovers
from kubectl_refused.probes.images import Choice
from kubectl_refused.probes.probe_agent_answers import Answers, request_of
from kubectl_refused.probes.probe_pod_create import Created, choose_image, create
from kubectl_refused.probes.probe_pod_manifest import CONTAINER, Wanted
from kubectl_refused.probes.probe_pod_wait import ProbeFailedError, wait_until_started

WHAT = "probe pod"
ALARM = 50  # seconds for one round of the agent
HOLD = 60  # seconds that it stays for more questions; they follow within a few
MARGIN = 5.0  # seconds for an answer to arrive
MOST_READS = 12
REREAD = 0.2  # seconds before the log is read once more
MOST_REQUESTS = 1000
UNSOUND = Gap(WHAT, f"what to dial is no address or name with a port, or beyond {MOST_REQUESTS} at once")
HOST = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_.:-]{0,251}[0-9A-Za-z_:.])?|::[0-9A-Fa-f:.]*")


@dataclass(frozen=True)
class _Running:
    created: Created
    choice: Choice
    pod: Pod
    until: float  # monotonic time at which the agent leaves


class ProbePod:
    """The Method `probe-pod`. One pod serves all rounds of a diagnosis; `close` removes it.

    `vantage` is known after the first round. `leftovers` are overdue objects of earlier runs seen on the way.
    """

    name = "probe-pod"
    order = 10
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE, LOOKUP})
    # What both ways need. A Job is tried first and a bare pod where Jobs are forbidden: see `rights_for_*`.
    rights: tuple[Right, ...] = (
        Right("list", "pods"),
        Right("watch", "pods"),
        Right("get", "pods", subresource="log"),
    )
    rights_for_jobs = (Right("create", "jobs", "batch"), Right("delete", "jobs", "batch"))
    rights_for_bare_pods = (Right("create", "pods"), Right("delete", "pods"))
    rights_for_later_rounds = tuple(Right(verb, "pods", subresource="exec") for verb in ("get", "create"))
    rights_for_images = (Right("list", "nodes"),)
    rights_for_reasons = (Right("list", "events"),)

    def __init__(self) -> None:
        self.vantage: Vantage | None = None
        self.leftovers: tuple[Leftover, ...] = ()
        self._running: _Running | None = None
        self._made: list[Created] = []
        self._count = 0

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[tuple[Need, Any | Gap]]:
        """Yield a Handshake for each (HANDSHAKE, Dial), a Lookup for each (LOOKUP, NameKey), or a Gap."""
        asked: dict[str, Dial | NameKey] = {}
        for need in needs:
            if _is_sound(need.subject) and len(asked) < MOST_REQUESTS:
                asked[request_of(need.subject)] = need.subject
        answers = Answers(asked)
        gap = self._fill(answers, context) if asked else UNSOUND
        for need in needs:
            request = request_of(need.subject)
            yield need, answers.values.get(request, gap if request in asked else UNSOUND)

    def close(self, context: ProbeContext) -> None:
        """Remove everything this method created. What cannot be removed is left to the ledger's undo.

        Raises Cancelled only.
        """
        self._running = None
        for created in self._made:
            with contextlib.suppress(ConnectionProblem):
                created.remove(context.connection)

    def _fill(self, answers: Answers, context: ProbeContext) -> Gap:
        """Ask the agent; the Gap is for what stays unanswered."""
        try:
            if not self._ask_again(answers, context):
                self._ask_first(answers, context)
        except ProbeFailedError as failed:
            return Gap(WHAT, failed.because, failed.remedy)
        if answers.last_garbage:
            return Gap(WHAT, f"the probe did not answer; it wrote: {answers.last_garbage}")
        return Gap(WHAT, "the probe ended before it answered")

    def _ask_first(self, answers: Answers, context: ProbeContext) -> None:
        """A new Job with the questions on its command line."""
        node = self.vantage.node if self.vantage else ""
        choice = self._running.choice if self._running else choose_image(context)
        self.close(context)
        arguments = (*_arguments(context), "--hold", str(HOLD), *answers.asked)
        secret = context.settings.image_pull_secret
        wanted = Wanted(
            self._name(context), context.target.namespace, context.run_id, choice, arguments, secret, node
        )
        try:
            created = self._create(context, wanted)
            pod = wait_until_started(context, wanted)
        except ProbeFailedError as failed:
            self.close(context)
            raise ProbeFailedError(_with(choice.because, failed.because), failed.remedy) from failed
        except (Forbidden, NotFound, ApiProblem) as problem:
            self.close(context)
            raise ProbeFailedError(problem.message) from problem
        self._running = _Running(created, choice, pod, time.monotonic() + HOLD)
        self.vantage = Vantage(
            "pod",
            namespace=wanted.namespace,
            node=pod.spec.node_name or "",
            labels=tuple(sorted((pod.metadata.labels or {}).items())),
            address=(pod.status.pod_ip if pod.status else None) or "",
        )
        _read(answers, context, pod)

    def _create(self, context: ProbeContext, wanted: Wanted) -> Created:
        created = create(context, wanted)
        self._made.append(created)
        # While the pod starts, so it costs no time. Overdue Jobs would be gone: bare pods are what stays.
        with contextlib.suppress(Forbidden, NotFound, ApiProblem):
            found = leftovers(context.connection, wanted.namespace, kinds=("Pod",))
            self.leftovers = tuple(old for old in found if old.overdue and old.run_id != context.run_id)
        return created

    def _name(self, context: ProbeContext) -> str:
        self._count += 1
        return f"refused-{context.run_id}" + (f"-{self._count}" if self._count > 1 else "")

    def _ask_again(self, answers: Answers, context: ProbeContext) -> bool:
        """Put the questions to the pod that still runs. False when a new one is needed."""
        running = self._running
        if running is None or time.monotonic() > running.until:
            return False
        argv = running.choice.argv_again([*_arguments(context), *answers.asked])
        meta = running.pod.metadata
        context.say("dialling")
        try:
            result = run_in_container(
                context.connection, meta.namespace, meta.name, CONTAINER, argv, ALARM + MARGIN
            )
        except (Forbidden, NotFound, ApiProblem, Unreachable):
            return False
        answers.take_all(result.stdout.splitlines())
        return answers.ended


def _arguments(context: ProbeContext) -> tuple[str, ...]:
    return ("--timeout", f"{context.settings.dial_timeout:g}", "--alarm", str(ALARM))


def _read(answers: Answers, context: ProbeContext, pod: Pod) -> None:
    """Follow the log to the agent's last line. A log that breaks off before it is followed again from its start.

    A kubelet answers 400 until it has noticed that the container runs, and 404 or 500 while it restarts; the
    container, and so the answers, outlive that. Raises ProbeFailedError when the log cannot be had.
    """
    deadline, problem = time.monotonic() + ALARM + MARGIN, ""
    for _ in range(MOST_READS):
        left = deadline - time.monotonic()
        if answers.ended or left <= 0:
            return
        try:
            answers.take_all(_lines(context, pod, left))
        except Forbidden as refused:
            raise ProbeFailedError(refused.message) from refused
        except (NotFound, ApiProblem, Unreachable) as passing:
            problem = passing.message
        if not answers.ended:
            context.connection.cancel.wait(REREAD)
    if problem and not answers.values:
        raise ProbeFailedError(f"the probe's log cannot be read: {problem}")


def _lines(context: ProbeContext, pod: Pod, seconds: float) -> Iterator[bytes]:
    meta = pod.metadata
    return follow_log(context.connection, meta.namespace, meta.name, CONTAINER, seconds)


def _is_sound(subject: Dial | NameKey) -> bool:
    """Whether it can be one of the agent's arguments: no spaces, no leading dash, a port in range."""
    if isinstance(subject, Dial):
        return bool(HOST.fullmatch(subject.host)) and 0 < subject.port < 65536
    return bool(HOST.fullmatch(subject.name)) and ":" not in subject.name


def _with(because: str, failed: str) -> str:
    return f"{failed} ({because})" if because else failed
