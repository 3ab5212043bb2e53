"""The probe agent as it runs in a pod: the packed program, on loopback and behind a router of the test's own."""

from __future__ import annotations

import ast
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kubectl_refused.model.facts import Dial, NameKey
from kubectl_refused.model.observation import Handshake, Icmp, Lookup, Outcome
from kubectl_refused.probes.probe_agent_answers import request_of
from kubectl_refused.probes.probe_agent_source import EITHER, PROGRAM, packed_source, shell_source
from tests.probes.agent_runs import NETNS, PYTHON, ask, busybox_path, dialled, served, silent

LIMITED = tuple(Dial("10.9.0.8", port) for port in range(1, 10))
ROUTED = (
    *(Dial(f"10.9.0.{kind}", 80) for kind in (3, 4, 5, 6, 7, 9)),
    *(Dial(f"fd00:9::{kind}", 80) for kind in (3, 4, 5, 6, 7, 9)),
    *LIMITED,
)


@pytest.fixture(scope="module")
def routed() -> dict[Dial, Handshake]:
    """What the agent says about every address behind the router, by one run."""
    router = Path(__file__).with_name("tun_router.py")
    command = [*NETNS, sys.executable, str(router), *PYTHON]
    answers = ask(*ROUTED, command=command)
    return {Dial(v.host, v.port): v for v in answers.values.values() if isinstance(v, Handshake)}


@pytest.mark.parametrize("answer", ["keeps quiet", "speaks"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_accept_is_accepted_and_has_a_source_and_a_time(answer: str, address: str) -> None:
    with served(answer, address) as dial:
        said = dialled(dial)
    assert (said.outcome, said.source, said.errno, said.icmp) == (Outcome.ACCEPTED, address, "", None)
    assert 0 < said.seconds < 0.15


@pytest.mark.parametrize(("answer", "word"), [("closes", "closed"), ("resets", "reset")])
def test_an_accept_that_dies_at_once_is_a_reset(answer: str, word: str) -> None:
    with served(answer) as dial:
        said = dialled(dial)
    assert said.outcome is Outcome.RESET
    assert f"accepted, then {word}" in said.detail


def test_a_port_nobody_listens_on_is_refused_without_icmp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dial = Dial("127.0.0.1", server.getsockname()[1])
    said = dialled(dial)
    assert (said.outcome, said.errno, said.icmp) == (Outcome.REFUSED, "ECONNREFUSED", None)


@pytest.mark.parametrize(
    ("host", "outcome", "icmp"),
    [
        ("10.9.0.3", Outcome.REJECTED, Icmp(3, 3, "10.9.0.254", 64)),
        ("10.9.0.4", Outcome.TIMEOUT, None),
        ("10.9.0.5", Outcome.REFUSED, None),
        ("10.9.0.6", Outcome.REJECTED, Icmp(3, 13, "10.9.0.254", 64)),
        ("10.9.0.7", Outcome.UNREACHABLE, Icmp(3, 1, "10.9.0.254", 64)),
        ("10.9.0.9", Outcome.RESET, None),
        ("fd00:9::3", Outcome.REJECTED, Icmp(1, 4, "fd00:9::fe", 64)),
        ("fd00:9::4", Outcome.TIMEOUT, None),
        ("fd00:9::5", Outcome.REFUSED, None),
        ("fd00:9::6", Outcome.REJECTED, Icmp(1, 1, "fd00:9::fe", 64)),
        ("fd00:9::7", Outcome.UNREACHABLE, Icmp(1, 3, "fd00:9::fe", 64)),
        ("fd00:9::9", Outcome.RESET, None),
    ],
)
def test_who_refused_is_told_apart(
    routed: dict[Dial, Handshake], host: str, outcome: Outcome, icmp: Icmp | None
) -> None:
    said = routed[Dial(host, 80)]
    assert (said.outcome, said.icmp) == (outcome, icmp)
    assert said.source in ("10.9.0.1", "fd00:9::1")


def test_silence_is_only_believed_after_a_second_dial(routed: dict[Dial, Handshake]) -> None:
    assert [routed[Dial(host, 80)].tries for host in ("10.9.0.4", "fd00:9::4")] == [2, 2]


def test_the_kernels_icmp_limit_turns_no_reject_into_silence(routed: dict[Dial, Handshake]) -> None:
    assert {routed[dial].outcome for dial in LIMITED} == {Outcome.REJECTED}


def test_names_are_looked_up_and_the_resolvers_error_is_kept() -> None:
    said = ask(NameKey("localhost"), NameKey("no-such-name.invalid")).values
    good, bad = said["lookup:localhost"], said["lookup:no-such-name.invalid"]
    assert isinstance(good, Lookup)
    assert isinstance(bad, Lookup)
    assert "127.0.0.1" in good.addresses or "::1" in good.addresses
    assert (bad.addresses, bad.error[:4]) == ((), "EAI_")


def test_a_name_can_be_dialled_and_one_that_is_none_is_unresolved() -> None:
    with served("keeps quiet") as dial:
        assert dialled(Dial("localhost", dial.port)).outcome is Outcome.ACCEPTED
    assert dialled(Dial("no-such-name.invalid", 80)).outcome is Outcome.UNRESOLVED


def test_500_dials_at_once_take_about_as_long_as_one() -> None:
    with served("keeps quiet") as dial:
        dials = [Dial(f"127.0.{n // 250}.{n % 250 + 1}", dial.port) for n in range(500)]
        started = time.monotonic()
        said = ask(*dials)
    assert len(said.values) == 500
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGALRM])
def test_it_leaves_at_once_when_told_to_or_when_its_alarm_rings(how: signal.Signals) -> None:
    with subprocess.Popen([*PYTHON, "--hold", "50"], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        assert b"end" in agent.stdout.readline()
        agent.send_signal(how)
        assert agent.wait(5) == 0


def test_no_dial_outlives_the_alarm_and_one_cut_short_is_not_believed() -> None:
    started = time.monotonic()
    with silent() as full:
        said = dialled(full, options=("--timeout", "9", "--alarm", "2"))
    assert time.monotonic() - started < 3
    assert (said.outcome, said.tries) == (Outcome.TIMEOUT, 1)


def test_what_could_not_be_begun_in_time_is_untried() -> None:
    assert dialled(Dial("127.0.0.1", 9), options=("--alarm", "1")).outcome is Outcome.UNTRIED


def test_the_packed_program_is_python_3_7_and_short_enough_for_one_argument() -> None:
    ast.parse(packed_source(), feature_version=(3, 7))
    assert len(packed_source()) < 32_000
    assert '"""' not in packed_source()
    assert len(shell_source()) < 5_000


def test_the_shell_form_gives_the_same_outcomes_but_not_the_origin(busybox: dict[str, str]) -> None:
    command = ["env", "-i", f"PATH={busybox['PATH']}", "sh", "-c", shell_source(), PROGRAM]
    with served("keeps quiet") as dial, served("keeps quiet", "::1") as dial6:
        accepted = ask(dial, dial6, command=command, options=("--timeout", "1")).values.values()
    with silent() as full:
        timed_out = ask(full, command=command, options=("--timeout", "1")).values[request_of(full)]
    refused = dialled(dial, command=command)
    assert [value.outcome for value in accepted if isinstance(value, Handshake)] == [Outcome.ACCEPTED] * 2
    assert isinstance(timed_out, Handshake)
    assert (timed_out.outcome, timed_out.tries) == (Outcome.TIMEOUT, 2)
    assert refused.outcome is Outcome.REFUSED
    assert "cannot be told" in refused.detail


def test_an_image_of_which_nothing_is_known_runs_what_it_has(busybox: dict[str, str]) -> None:
    launcher = ["sh", "-c", EITHER, PROGRAM, packed_source(), shell_source()]
    without = ["env", "-i", f"PATH={busybox['PATH']}"]
    with served("keeps quiet") as dial:
        path = f"PATH={Path(sys.executable).parent}:/bin:/usr/bin"
        with_python = dialled(dial, command=["env", path, *launcher])
        with_nc = dialled(dial, command=[*without, *launcher])
    assert (with_python.outcome, with_nc.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
    assert (with_python.source, with_nc.source) == ("127.0.0.1", "")


def test_a_request_is_never_shell_text(busybox: dict[str, str], tmp_path: Path) -> None:
    hostile = f"dial:$(echo>{tmp_path}/a);echo>{tmp_path}/b `echo>{tmp_path}/c`:80"
    command = ["env", "-i", f"PATH={busybox['PATH']}", "sh", "-c", shell_source(), PROGRAM, "--timeout", "1"]
    ended = subprocess.run([*command, hostile], capture_output=True, timeout=20, check=False)
    assert b'{"end": true}' in ended.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A PATH with busybox's applets only."""
    return {"PATH": busybox_path(tmp_path_factory.mktemp("applets"))}
