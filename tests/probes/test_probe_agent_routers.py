"""What the agent hears from two routers of the kernel's own: who rejected, how far away, and how often."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubectl_refused.model.facts import Dial
from kubectl_refused.model.observation import Handshake, Icmp, Outcome
from tests.probes.agent_runs import NETNS, PYTHON, ask

HOSTS = tuple(host for number in (11, 12, 13, 15) for host in (f"10.8.{number}.1", f"fd00:8:{number}::1"))
TIMES = 2


@pytest.fixture(scope="module")
def heard() -> dict[Dial, Handshake]:
    """What the agent says about every address behind the routers, by one run."""
    chain = Path(__file__).with_name("router_chain.py")
    dials = (*(Dial(host, 80) for host in HOSTS), Dial("10.8.15.1", 81), Dial("fd00:8:15::1", 81))
    options = ("--timeout", "1.3", "--times", str(TIMES), "--hops", "1")
    answers = ask(*dials, command=[*NETNS, sys.executable, str(chain), *PYTHON], options=options)
    return {Dial(v.host, v.port): v for v in answers.values.values() if isinstance(v, Handshake)}


@pytest.mark.parametrize(
    ("host", "outcome", "icmp"),
    [
        ("10.8.11.1", Outcome.REJECTED, Icmp(3, 13, "10.8.1.254", 64)),
        ("10.8.12.1", Outcome.REJECTED, Icmp(3, 13, "10.8.2.254", 63)),
        ("10.8.13.1", Outcome.UNREACHABLE, Icmp(3, 1, "10.8.2.254", 63)),
        ("fd00:8:11::1", Outcome.REJECTED, Icmp(1, 1, "fd00:8:1::254", 64)),
        ("fd00:8:12::1", Outcome.REJECTED, Icmp(1, 1, "fd00:8:2::254", 63)),
        ("fd00:8:13::1", Outcome.UNREACHABLE, Icmp(1, 0, "fd00:8:2::254", 63)),
    ],
)
def test_the_rejecter_and_its_distance_are_told(
    heard: dict[Dial, Handshake], host: str, outcome: Outcome, icmp: Icmp
) -> None:
    said = heard[Dial(host, 80)]
    assert (said.outcome, said.icmp) == (outcome, icmp)


@pytest.mark.parametrize(
    ("host", "port", "outcome"),
    [
        ("10.8.11.1", 80, Outcome.REJECTED),
        ("fd00:8:12::1", 80, Outcome.REJECTED),
        ("10.8.13.1", 80, Outcome.UNREACHABLE),
        ("10.8.15.1", 80, Outcome.ACCEPTED),
        ("fd00:8:15::1", 80, Outcome.ACCEPTED),
        ("10.8.15.1", 81, Outcome.REFUSED),
        ("fd00:8:15::1", 81, Outcome.REFUSED),
    ],
)
def test_every_repeat_is_counted(heard: dict[Dial, Handshake], host: str, port: int, outcome: Outcome) -> None:
    said = heard[Dial(host, port)]
    assert (said.outcome, said.heard, said.tries) == (outcome, ((outcome, TIMES),), 1)
    assert (said.icmp is None) == (outcome in (Outcome.ACCEPTED, Outcome.REFUSED))


@pytest.mark.parametrize("host", ["10.8.15.1", "fd00:8:15::1"])
def test_an_rst_tells_its_distance_too(heard: dict[Dial, Handshake], host: str) -> None:
    assert heard[Dial(host, 81)].rst_ttl == 63


def test_only_an_rst_is_measured(heard: dict[Dial, Handshake]) -> None:
    measured = [dial for dial, said in heard.items() if said.rst_ttl]
    assert {dial.port for dial in measured} == {81}
