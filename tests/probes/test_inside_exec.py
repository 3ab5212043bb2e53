"""A dial from inside the target's pod: which container makes it, and what its failures become."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.exec import ExecResult
from kubectl_refused.model.facts import INSIDE, InsideDial
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.snapshot import Change, fold
from kubectl_refused.probes.inside_exec import CANNOT, InsideExec
from tests.fakes import ask, forbidden, probe_context
from tests.scenery import pod

DIAL = InsideDial("shop", "web-1", "127.0.0.1", 8080)
SAID = b'{"id": "dial:127.0.0.1:8080", "outcome": "refused", "errno": "ECONNREFUSED"}\n{"end": true}\n'
NO_PROGRAM = ExecResult(None, b"", b"", 'exec failed: exec: "sh": executable file not found in $PATH: unknown')


class Runner:
    """Stands for run_in_container: one answer for all, and who was asked."""

    def __init__(self, answer: ExecResult | Exception) -> None:
        self.answer, self.asked = answer, list[str]()

    def __call__(self, _: object, namespace: str, name: str, container: str, *rest: Any) -> ExecResult:
        assert (namespace, name) == ("shop", "web-1")
        self.asked.append(container)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def told(runner: Runner, *, seen: bool = True) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """The answer, and what was touched."""
    context = probe_context(snapshot=fold([Change(0, value=pod())] if seen else []))
    (answer,) = ask(InsideExec(runner), context, INSIDE, DIAL)
    return answer, context.ledger.entries


def test_a_container_of_the_pod_dials_its_own_loopback() -> None:
    answer, touched = told(Runner(ExecResult(0, SAID, b"", None)))
    assert (answer.outcome, answer.witness, answer.port) == (Outcome.REFUSED, "exec in web-1", 8080)
    assert touched == (("exec in pod/web-1: the probe agent", "ended by itself"),)


def test_a_pod_without_programs_cannot_tell() -> None:
    answer, _ = told(Runner(NO_PROGRAM))
    assert answer == Gap("a dial inside pod/web-1", CANNOT)


def test_without_the_right_nothing_was_touched() -> None:
    answer, touched = told(Runner(forbidden("create", "pods/exec")))
    assert isinstance(answer, Gap)
    assert answer.because.startswith("forbidden")
    assert touched == ()


@pytest.mark.parametrize("code", [137, 1])
def test_an_agent_that_is_cut_short_is_a_gap(code: int) -> None:
    answer, _ = told(Runner(ExecResult(code, b"", b"", None)))
    assert isinstance(answer, Gap)
    assert answer.because
