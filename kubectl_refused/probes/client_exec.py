"""Dials and lookups from inside the client itself: the probe agent runs by exec in one of its containers.

Nothing stands nearer to the client: its network namespace, policies, sidecars and resolver. The program comes by
standard input, which stays open for as long as somebody waits for its answers: at its end the agent ends too.
Nothing is written to the container's files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, ConnectionProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.exec import ExecResult, run_in_container
from kubectl_refused.model.facts import NODE_SETTINGS, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes import agent_round
from kubectl_refused.probes.agent_round import ALARM, FACTS, MARGIN, UNSOUND, asked_of, words_of
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.pod_lookup import running_containers
from kubectl_refused.probes.probe_agent_answers import Answers
from kubectl_refused.probes.probe_agent_source import stdin_argv
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import one_line

MOST_CONTAINERS = 4
WATCHING = ("--watch", "1")
CANNOT = "the client's containers have neither python3 nor sh with nc"
KILLED = {137: "SIGKILL (out of memory, or the container ended)", 143: "SIGTERM"}
# How runtimes say that an image has no such program: containerd and CRI-O by an error, others by exit 126 or 127.
_NO_PROGRAM = ("executable file not found", "no such file or directory", "not found in $path", "stat sh")

# run_in_container's shape: connection, namespace, pod, container, argv, seconds, stdin.
Run = Callable[..., ExecResult]


run_held: Run = partial(run_in_container, holding=True)


class Attempt(Struct, frozen=True):
    """What came of one container: the answers, and `why` some are missing.

    `unable` where another container may do; `ran` is false where not even a shell could be started.
    """

    answers: Answers
    why: str = ""
    unable: bool = False
    ran: bool = True


class ClientExec:
    """The Method `client-exec`. `vantages` by client key has the clients that answered; `run` is given by tests.

    `unlikes` says where the agent could not see who refused.
    """

    name = "client-exec"
    order = 5  # before a probe pod: nothing is created, and no stand-in is quite its client
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = FACTS - {NODE_SETTINGS}
    rights: tuple[Right, ...] = tuple(Right(verb, "pods", subresource="exec") for verb in ("get", "create"))
    proves = "what the client itself experiences"

    def __init__(self, run: Run = run_held) -> None:
        self.vantages: dict[str, Vantage] = {}
        self._run = run
        self._chosen: dict[str, str] = {}  # the container that could, by client key
        self._never: dict[str, Gap] = {}
        self._blind: dict[str, Gap] = {}

    @property
    def unlikes(self) -> tuple[Gap, ...]:
        """What could not be seen from inside the clients."""
        return tuple(self._blind.values())

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the need's client is a pod that runs."""
        client = context.client_of(need)
        return client.standing == "pod" and client.pod is not None and bool(running_containers(client.pod))

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield a Handshake for each (HANDSHAKE, Dial), a Lookup for each (LOOKUP, NameKey), or a Gap.

        Raises Cancelled, CredentialsProblem.
        """
        context.say("dialling inside the client")

        def ask(asked: Sequence[Need]) -> list[Learnt]:
            return [learnt for batch in agent_round.batches(asked) for learnt in self._round(batch, context)]

        for answers in each(ask, agent_round.by_client(needs, context).values()):
            yield from answers

    def _round(self, needs: Sequence[Need], context: ProbeContext) -> Iterator[Learnt]:
        client = context.client_of(needs[0])
        pod = client.pod
        asked = asked_of(needs)
        if pod is None or not asked or client.key in self._never:
            answers, gap = Answers(asked), self._never.get(client.key, UNSOUND)
        else:
            answers, gap = self._ask(client, pod, asked, context)
        yield from agent_round.learnt(needs, answers, self.name, gap)

    def _ask(self, client: Client, pod: Pod, asked: dict[str, Any], context: ProbeContext) -> tuple[Answers, Gap]:
        """Enter the pod's containers until one can run the agent; the Gap is for what stays unanswered."""
        what = f"a dial inside pod/{pod.metadata.name}"
        touch = f"exec in pod/{pod.metadata.name}: the probe agent"
        context.ledger.record(touch, "ended by itself")
        try:
            attempt = self._enter(client, pod, partial(attempt_in, self._run, context, pod, asked))
        except (Forbidden, NotFound, ApiProblem, Unreachable) as problem:
            if isinstance(problem, Forbidden | NotFound):
                context.ledger.strike(touch)
            return Answers(asked), self._refused(client, problem, what)
        gap = Gap(what, attempt.why)
        if attempt.unable:
            self._never[client.key] = gap
        if not attempt.ran:
            context.ledger.strike(touch)
        if attempt.answers.values:
            self._answered(client, pod, attempt.answers)
        return attempt.answers, gap

    def _enter(self, client: Client, pod: Pod, attempt: Callable[[str], Attempt]) -> Attempt:
        """The first container's attempt that another could not better; a container that is away is passed over."""
        containers = running_containers(pod)[:MOST_CONTAINERS]
        chosen = self._chosen.get(client.key)
        problem: ConnectionProblem | None = None
        made: Attempt | None = None
        ran = False
        for container in sorted(containers, key=lambda name: name != chosen):
            try:
                made = attempt(container)
            except ApiProblem as away:
                problem = away
                continue
            if not made.unable:
                self._chosen[client.key] = container
                return made
            ran = ran or made.ran
        if problem is not None or made is None:
            raise problem or NotFound("pods", pod.metadata.name, "none of its containers runs")
        return replace(made, why=CANNOT, ran=ran)

    def _refused(self, client: Client, problem: ConnectionProblem, what: str) -> Gap:
        gap = gap_of(problem, what)
        if isinstance(problem, Forbidden):
            self._never[client.key] = gap
        return gap

    def _answered(self, client: Client, pod: Pod, answers: Answers) -> None:
        self.vantages[client.key] = vantage_of(client, pod)
        if agent_round.is_blind(answers.values):
            because = "the agent there sees no ICMP errors: it needs python3 and Linux's error queue"
            self._blind[client.key] = Gap(f"who refused pod/{pod.metadata.name}", because)


def vantage_of(client: Client, pod: Pod) -> Vantage:
    """The client's own pod. Its labels are all of them: a stand-in may not carry some, policies judge by any."""
    return Vantage(
        "client",
        namespace=pod.metadata.namespace,
        node=pod.spec.node_name or "",
        name=f"pod/{pod.metadata.name}",
        labels=tuple(sorted((pod.metadata.labels or {}).items())),
        address=(pod.status.pod_ip if pod.status else None) or "",
        key=client.key,
        control=client.control,
    )


def attempt_in(run: Run, context: ProbeContext, pod: Pod, asked: dict[str, Any], container: str) -> Attempt:
    """Start the agent by sh, which finds python3 or nc; by python3 alone where the image has no sh."""
    attempt = Attempt(Answers(asked), CANNOT, unable=True)
    for form in ("either", "python"):
        argv, stdin = stdin_argv([*WATCHING, *words_of(context.settings, asked)], form=form)
        meta, seconds = pod.metadata, ALARM + MARGIN
        with context.ledger.going(f"the probe agent in pod/{meta.name}"):
            result = run(context.connection, meta.namespace, meta.name, container, argv, seconds, stdin)
        attempt = _understood(result, asked)
        if not attempt.unable or attempt.answers.unable:
            break
    return attempt


def _understood(result: ExecResult, asked: dict[str, Any]) -> Attempt:
    answers = Answers(asked)
    answers.take_all(result.stdout.splitlines())
    if answers.unable:
        return Attempt(answers, answers.unable, unable=True)
    if not answers.values and not answers.ended and _has_no_program(result):
        return Attempt(answers, CANNOT, unable=True, ran=False)
    return Attempt(answers, _why(result, answers))


def _has_no_program(result: ExecResult) -> bool:
    said = f"{result.error or ''} {result.stderr.decode(errors='replace')}".lower()
    return result.exit_code in (126, 127) or any(words in said for words in _NO_PROGRAM)


def _why(result: ExecResult, answers: Answers) -> str:
    """One clause for what stays unanswered: killed, broken off, or what was written instead of answers."""
    if result.exit_code in KILLED:
        return f"the probe inside it was killed: {KILLED[result.exit_code]}"
    if result.error:
        return one_line(f"the probe inside it did not end well: {result.error}")
    said = answers.last_garbage or one_line(result.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return "the probe inside it ended before it answered" + (f"; it wrote: {said}" if said else "")
