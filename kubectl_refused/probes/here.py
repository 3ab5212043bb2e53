"""Dials and lookups from this machine: the probe agent as a process of our own, which ends with the question."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kubectl_refused.connection.cancel import LONGEST_NAP, Cancel
from kubectl_refused.model.facts import NODE_SETTINGS, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes.agent_round import (
    ALARM,
    FACTS,
    MARGIN,
    UNSOUND,
    asked_of,
    batches,
    by_client,
    is_blind,
    learnt,
    words_of,
)
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.probe_agent_answers import Answers
from kubectl_refused.text import one_line

if TYPE_CHECKING:
    import subprocess

WHAT = "a dial from this machine"
NO_ORIGIN = Gap("who refused", "this system has no error queue (IP_RECVERR is Linux)")
FROZEN = Gap(WHAT, "this build has no Python interpreter to run the probe with", "--from a pod or a node")


class Ended(Struct, frozen=True):
    """How the child ended: its exit status (negative: the signal), and what it wrote."""

    status: int
    stdout: bytes
    stderr: bytes


class Here:
    """The Method `here`. `vantages` has this machine once it answered; `unlikes` says what it cannot see."""

    name = "here"
    order = 5
    depth = Depth.PASSIVE  # no Kubernetes right is used and nothing of the cluster is touched
    facts: frozenset[Fact[Any]] = FACTS - {NODE_SETTINGS}
    rights: tuple[Right, ...] = ()

    def __init__(self, program: str = "") -> None:
        """`program` is given by tests; else the agent."""
        self.vantages: dict[str, Vantage] = {}
        self.unlikes: tuple[Gap, ...] = ()
        if not program:
            from kubectl_refused.probes.probe_agent_source import packed_source

            program = packed_source()
        self._program = program

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the need is asked from this machine."""
        return context.client_of(need).standing == "here"

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield a Handshake for each (HANDSHAKE, Dial), a Lookup for each (LOOKUP, NameKey), or a Gap."""
        for key, asked in by_client(needs, context).items():
            for batch in batches(asked):
                yield from self._round(key, batch, context)

    def _round(self, key: str, needs: Sequence[Need], context: ProbeContext) -> Iterator[Learnt]:
        answers = Answers(asked_of(needs))
        gap = self._fill(answers, context) if answers.asked else UNSOUND
        if answers.values:
            self.vantages[key] = Vantage("here", key=key, control=context.client_of(needs[0]).control)
        if is_blind(answers.values):
            self.unlikes = (NO_ORIGIN,)
        yield from learnt(needs, answers, self.name, gap)

    def _fill(self, answers: Answers, context: ProbeContext) -> Gap:
        """Ask the agent; the Gap is for what stays unanswered."""
        if getattr(sys, "frozen", False) or not sys.executable:
            return FROZEN  # a frozen program is its own interpreter: it would start itself
        context.say("dialling from this machine")
        words = words_of(context.settings, answers.asked)
        try:
            ended = run_program(self._program, words, context.connection.cancel, ALARM + MARGIN)
        except OSError as problem:
            return Gap(WHAT, f"the probe cannot be started: {problem.strerror}")
        answers.take_all(ended.stdout.splitlines())
        return Gap(WHAT, _why(ended, answers))


def _why(ended: Ended, answers: Answers) -> str:
    if ended.status < 0:
        return f"the probe was killed by signal {-ended.status}"
    last = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    said = answers.last_garbage or one_line(last)
    return "the probe ended before it answered" + (f"; it wrote: {said}" if said else "")


def run_program(program: str, words: Sequence[str], cancel: Cancel, seconds: float) -> Ended:
    """Run a Python program in a process of its own with `words` as its arguments, for at most so long.

    It comes by standard input: Windows takes 32 767 characters of command line in all. Isolated, as modules
    of the working directory are not to be run. Raises OSError, and Cancelled; no child is left either way.
    """
    import subprocess  # who dials by themselves start nothing (host/dials.py)

    child = subprocess.Popen(
        [sys.executable, "-S", "-I", "-", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        stdout, stderr = _communicate(child, program.encode(), cancel, seconds)
    finally:
        child.kill()  # nothing, where it has ended
    return Ended(child.returncode, stdout, stderr)


def _communicate(
    child: subprocess.Popen[bytes], program: bytes, cancel: Cancel, seconds: float
) -> tuple[bytes, bytes]:
    """Wait in small steps, so that a cancelled run ends; what was written by the deadline counts."""
    import subprocess

    given: bytes | None = program
    for _ in range(int(seconds / LONGEST_NAP)):
        if cancel.is_set:
            break
        try:
            return child.communicate(given, timeout=LONGEST_NAP)
        except subprocess.TimeoutExpired:
            given = None  # communicate() keeps what it began to send
    child.kill()
    written = child.communicate()  # it has no children that could hold the pipes open
    cancel.check()
    return written
