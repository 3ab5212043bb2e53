"""One client's probe: a pod of our own where the client stands, made when it is first asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, ConnectionProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.connection.logs import follow_log
from kubectl_refused.model.facts import POLICIES_IN, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.target import Vantage
from kubectl_refused.probes.agent_round import ALARM, MARGIN, UNSOUND, asked_of, batches, words_of
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.cleanup import Leftover, leftovers
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.image_candidates import candidates
from kubectl_refused.probes.image_order import why_none_ran
from kubectl_refused.probes.images import Choice
from kubectl_refused.probes.limit_ranges import adapted
from kubectl_refused.probes.probe_agent_answers import Answers, request_of
from kubectl_refused.probes.probe_agent_source import stdin_argv
from kubectl_refused.probes.probe_pod_create import Created, create
from kubectl_refused.probes.probe_pod_manifest import CONTAINER, Wanted
from kubectl_refused.probes.probe_pod_wait import IMAGE_REMEDY, ProbeFailedError, wait_until_started
from kubectl_refused.probes.standing import unenlisted
from kubectl_refused.sources.reads import namespaced

WHAT = "probe pod"
HOLD = 60  # seconds that it stays for more questions; they follow within a few
# Seconds before a pod that policies may judge dials: many network plugins judge one only once the API tells its
# address, and let it through or nowhere until then (kubernetes.io, Network Policies, "Pod lifecycle").
SETTLE = 1.5
MOST_READS = 12
REREAD = 0.2  # seconds before the log is read once more


class _Running(Struct, frozen=True):
    created: Created
    choice: Choice
    pod: Pod
    until: float  # monotonic time at which the agent leaves


class ProbeOfClient:
    """Asks for one client; used by one thread at a time. `vantage` is known after the first round."""

    def __init__(self, client: Client, name: str, *, early: bool = False) -> None:
        """`name` is that of the Job or the pod; with `early` it dials at once, whatever policies know of it."""
        self.client = client
        self._early = early
        self.leftovers: tuple[Leftover, ...] = ()
        self.unlike = client.unlike
        self.vantage: Vantage | None = None
        self._standing: Client | None = None
        self._name, self._count = name, 0
        self._running: _Running | None = None
        self._made: list[Created] = []
        self._amounts: dict[str, str] = {}  # what a LimitRange makes of our requests and limits

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterator[tuple[Need, Any | Gap]]:
        """Yield a value or a Gap for every need; one that could not be made is not tried for the rest."""
        failed: Gap | None = None
        for batch in batches(needs):
            if failed is not None:
                yield from ((need, failed) for need in batch)
                continue
            learnt = list(self._batch(batch, context))
            yield from learnt
            failed = None if self.vantage else next((v for _, v in learnt if isinstance(v, Gap)), None)

    def _batch(self, needs: Sequence[Need], context: ProbeContext) -> Iterator[tuple[Need, Any | Gap]]:
        answers = Answers(asked := asked_of(needs))
        gap = self._fill(answers, context) if asked else UNSOUND
        for need in needs:
            request = request_of(need.subject)
            yield need, answers.values.get(request, gap if request in asked else UNSOUND)

    def close(self, context: ProbeContext) -> None:
        """Remove what was created. Raises a ConnectionProblem where it may still be there."""
        self._running = None
        problems: list[ConnectionProblem] = []
        for created in self._made:
            try:
                created.remove(context.connection)
            except ConnectionProblem as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

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
        """A new Job with the questions on its command line; with the next image where one cannot run it.

        All of them together have the time that one may take.
        """
        stand = self._stand(context)
        failures: list[tuple[Choice, str]] = []
        self._remove(context)
        remedy, deadline = "", time.monotonic() + context.settings.probe_pod_timeout
        for choice in [self._running.choice] if self._running else candidates(context, stand):
            try:
                self._try_within_limits(choice, stand, answers, _until(deadline, context))
            except ProbeFailedError as failed:
                self._remove(context)
                failures.append((choice, failed.because))
                remedy = failed.remedy or (IMAGE_REMEDY if failed.by_image else "")
                if not failed.by_image or time.monotonic() > deadline:
                    break
            else:
                return
        raise ProbeFailedError(why_none_ran(failures), remedy)

    def _try_within_limits(self, choice: Choice, stand: Client, answers: Answers, context: ProbeContext) -> None:
        """Once more with other amounts where a LimitRange names those that it takes."""
        try:
            self._try(choice, stand, answers, context)
        except ProbeFailedError as failed:
            amounts = None if self._amounts else adapted(failed.refusal)
            if amounts is None:
                raise
            self._remove(context)
            self._amounts = amounts
            self._try(choice, stand, answers, context)

    def _try(self, choice: Choice, stand: Client, answers: Answers, context: ProbeContext) -> None:
        settle = ("--settle", str(SETTLE)) if self._is_judged(stand, context) else ()
        arguments = (*settle, "--hold", str(HOLD), *words_of(context.settings, answers.asked))
        wanted = Wanted(
            self._next_name(),
            stand.namespace or context.target.namespace,
            context.run_id,
            choice,
            arguments,
            context.settings.image_pull_secret,
            # A plain probe that must be made anew stands where it stood.
            stand.node or (self.vantage.node if self.vantage else ""),
            labels=stand.labels,
            manner=stand.manner,
            amounts=self._amounts,
        )
        try:
            created = self._create(context, wanted)
            pod = wait_until_started(context, wanted)
        except (Forbidden, NotFound, ApiProblem) as problem:
            raise ProbeFailedError(problem.message) from problem
        running = _Running(created, choice, pod, time.monotonic() + HOLD)
        _read(answers, context, pod)
        if answers.unable:
            because = f"{choice.image} cannot run the probe: {answers.unable}"
            answers.unable, answers.ended = "", False  # the next image starts anew
            raise ProbeFailedError(because, IMAGE_REMEDY, by_image=True)
        self._running, self.vantage = running, _vantage(self.client, pod)

    def _stand(self, context: ProbeContext) -> Client:
        """The client as its pod may be: found out once, when the first pod is needed."""
        if self._standing is None:
            self._standing = unenlisted(context.connection, self.client)
            self.unlike = self._standing.unlike
        return self._standing

    def _is_judged(self, stand: Client, context: ProbeContext) -> bool:
        """Whether policies may judge the pod, so that it must not dial before they are in force for it."""
        namespace = stand.namespace or context.target.namespace
        if self._early:
            return False
        if stand.standing in ("pod", "control"):
            return True
        known = context.facts.get(POLICIES_IN, NamespaceKey(namespace))
        if known is not None and not isinstance(known, Gap):
            return bool(known)
        path = namespaced(namespace, "networkpolicies", group="networking.k8s.io/v1")
        try:
            return bool(next(context.connection.list_items(path, page_size=1), []))
        except (Forbidden, NotFound, ApiProblem):
            return False

    def _remove(self, context: ProbeContext) -> None:
        """What cannot be removed now is left to the ledger's undo."""
        with contextlib.suppress(ConnectionProblem):
            running = self._running
            self.close(context)
            self._running = running

    def _create(self, context: ProbeContext, wanted: Wanted) -> Created:
        created = create(context, wanted)
        self._made.append(created)
        # While the pod starts, so it costs no time. Overdue Jobs would be gone: bare pods are what stays.
        with contextlib.suppress(Forbidden, NotFound, ApiProblem):
            found = leftovers(context.connection, wanted.namespace, kinds=("Pod",))
            self.leftovers = tuple(old for old in found if old.overdue and old.run_id != context.run_id)
        return created

    def _next_name(self) -> str:
        self._count += 1
        return self._name + (f"-r{self._count}" if self._count > 1 else "")

    def _ask_again(self, answers: Answers, context: ProbeContext) -> bool:
        """Put the questions to the pod that still runs. False when a new one is needed."""
        running = self._running
        if running is None or time.monotonic() > running.until:
            return False
        argv, stdin = stdin_argv(words_of(context.settings, answers.asked), form=running.choice.form)
        meta = running.pod.metadata
        context.say("dialling")
        try:
            result = run_in_container(
                context.connection, meta.namespace, meta.name, CONTAINER, argv, ALARM + MARGIN, stdin
            )
        except (Forbidden, NotFound, ApiProblem, Unreachable):
            return False
        answers.take_all(result.stdout.splitlines())
        return answers.ended


def _until(deadline: float, context: ProbeContext) -> ProbeContext:
    """The context with what is left of the time for a pod's start."""
    left = max(deadline - time.monotonic(), 0.0)
    return replace(context, settings=replace(context.settings, probe_pod_timeout=left))


def _vantage(client: Client, pod: Pod) -> Vantage:
    """Where the pod really stands: its node and address are known only now."""
    kinds = {"pod": "stand-in", "node": "node" if client.host_network else "pod"}
    return Vantage(
        kinds.get(client.standing, "pod"),
        namespace=pod.metadata.namespace,
        node=pod.spec.node_name or "",
        name=client.name,
        labels=tuple(sorted((pod.metadata.labels or {}).items())),
        address=(pod.status.pod_ip if pod.status else None) or "",
        key=client.key,
        control=client.control,
    )


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
