"""Dials and lookups by this process itself: the agent's own dials (probe_agent.py), in a thread.

A process of their own, as `--from here` has it, costs 80 ms: as much as a diagnosis of one address may take.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from kubectl_refused.connection.cancel import LONGEST_NAP
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Fact
from kubectl_refused.model.gaps import Gap
from kubectl_refused.probes import probe_agent as agent
from kubectl_refused.probes.agent_round import ALARM
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.here import WHAT, Here
from kubectl_refused.probes.probe_agent_answers import Answers

NO_PROGRAM = "-"  # nothing is started


class HereItself(Here):
    """The Method `here` without a child."""

    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE, LOOKUP})

    def __init__(self) -> None:
        super().__init__(NO_PROGRAM)

    def _fill(self, answers: Answers, context: ProbeContext) -> Gap:
        context.say("dialling from this machine")
        lines: list[dict[str, Any]] = []
        words, settings = tuple(answers.asked), context.settings
        until = time.monotonic() + ALARM

        def work() -> None:
            lines.extend(_asked(words, settings.dial_timeout, until, settings.dials, settings.guess))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while True:
            context.connection.cancel.check()
            thread.join(LONGEST_NAP)
            if not thread.is_alive():
                break
        for line in lines:
            answers.take(json.dumps(line).encode())
        return Gap(WHAT, "it did not end in time")


def _asked(
    words: tuple[str, ...], timeout: float, until: float, times: int, guess: bool
) -> Iterator[dict[str, Any]]:
    """The agent's lines for these requests: first what is looked up, then what is dialled."""
    questions = [agent.Question(word, guess) for word in words if word.startswith("dial:")]
    lookups = [word for word in words if word.startswith("lookup:")]
    named = [q.host for q in questions if not agent.numeric(q.host) and q.host not in agent.found]
    threads = agent.start_lookups([*(word[len("lookup:") :] for word in lookups), *named])
    looked = min(until, time.monotonic() + agent.LOOKUP_TIMEOUT)
    for thread in threads:
        thread.join(max(0.0, looked - time.monotonic()))
    yield from (_looked_up(word) for word in lookups)
    agent.Round([question.dial() for question in questions], timeout, until).run()
    silent = [question for question in questions if question.dials[0].outcome == "timeout"][: agent.AGAIN]
    agent.dial_alone(silent, questions, timeout, until)
    if times > 1:
        agent.repeat(questions, times - 1, timeout, until)
    yield from (question.line(times) for question in questions)


def _looked_up(word: str) -> dict[str, Any]:
    missing: tuple[list[str], str, float] = ([], "no answer in time", agent.LOOKUP_TIMEOUT)
    addresses, error, seconds = agent.found.get(word[len("lookup:") :], missing)
    outcome = "accepted" if addresses else "unresolved"
    return {"id": word, "outcome": outcome, "addresses": addresses, "seconds": round(seconds, 6), "error": error}
