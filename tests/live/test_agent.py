"""The agent's patience with the kernel's real limit of ICMP errors, which only real seconds can show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubectl_refused.model.facts import Dial
from kubectl_refused.model.observation import Handshake, Outcome
from tests.probes import agent_runs

pytestmark = pytest.mark.live

CHAIN = Path(agent_runs.__file__).with_name("router_chain.py")
# More dials to one rejecter than the kernel answers at once: its route errors count double.
MANY = tuple(Dial("10.8.12.1", port) for port in range(1, 7))
SILENT = (Dial("10.8.14.1", 80), Dial("fd00:8:14::1", 80))
TIMES = 3


@pytest.fixture(scope="module")
def heard() -> dict[Dial, Handshake]:
    """What the agent says of silent and of rejecting addresses side by side, by one run."""
    command = [*agent_runs.NETNS, sys.executable, str(CHAIN), *agent_runs.PYTHON]
    options = ("--timeout", "2.5", "--times", str(TIMES))
    answers = agent_runs.ask(*MANY, *SILENT, command=command, options=options)
    return {Dial(v.host, v.port): v for v in answers.values.values() if isinstance(v, Handshake)}


def test_no_reject_is_taken_for_silence(heard: dict[Dial, Handshake]) -> None:
    for dial in MANY:
        counted = dict(heard[dial].heard)
        assert set(counted) == {Outcome.REJECTED}
        assert 1 <= counted[Outcome.REJECTED] <= TIMES


def test_a_real_silence_is_counted_and_believed(heard: dict[Dial, Handshake]) -> None:
    for dial in SILENT:
        assert (heard[dial].heard, heard[dial].tries) == (((Outcome.TIMEOUT, TIMES),), 2)
