"""Which container of a client is entered, with which form of the agent, and what its failures become."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, Cancelled, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.exec import ExecResult
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateWaiting,
    ContainerStatus,
    Metadata,
    Pod,
    PodSpec,
    PodStatus,
)
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.target import Vantage
from kubectl_refused.probes.agent_round import UNSOUND
from kubectl_refused.probes.base import Ledger, ProbeContext
from kubectl_refused.probes.client_exec import CANNOT, ClientExec
from kubectl_refused.probes.clients import Client
from tests.fakes import ask, forbidden, probe_context

KEY = "pod/crm/till-1"
DIAL = Dial("10.0.0.1", 80, KEY)
OTHER = Dial("10.0.0.2", 80, KEY)
NO_SHELL = ExecResult(None, b"", b"", 'exec failed: exec: "sh": executable file not found in $PATH: unknown')
NO_PYTHON = ExecResult(None, b"", b"", 'exec failed: exec: "python3": executable file not found in $PATH: unknown')
NO_NC = ExecResult(0, b'{"unable": "there is neither nc nor bash"}\n{"end": true}\n', b"", None)
TOUCHED = ("exec in pod/till-1: the probe agent", "ended by itself")


def pod(*names: str, sidecar: str = "", default: str = "", running: bool = True) -> Pod:
    """A client with these containers."""
    state = ContainerState(running=ContainerStateRunning())
    main = state if running else ContainerState(waiting=ContainerStateWaiting())
    annotations = {"kubectl.kubernetes.io/default-container": default} if default else None
    return Pod(
        metadata=Metadata(
            name="till-1", namespace="crm", annotations=annotations, labels={"app": "till", "job": "1"}
        ),
        spec=PodSpec(node_name="node2"),
        status=PodStatus(
            phase="Running",
            pod_ip="10.202.2.7",
            container_statuses=tuple(ContainerStatus(name=name, state=main) for name in names),
            init_container_statuses=(ContainerStatus(name=sidecar, state=state),) if sidecar else None,
        ),
    )


def context(client_pod: Pod | None) -> ProbeContext:
    """A run of `--from pod/till-1`, whose key is not the namespace of the Service."""
    client = Client(
        key=KEY, standing="pod", namespace="crm", labels=(("app", "till"),), pod=client_pod, control="c"
    )
    return replace(probe_context(), clients=(client,))


def said(*hosts: str, end: bool = True, code: int | None = 0, error: str | None = None) -> ExecResult:
    """What the agent writes when it accepted connections to these hosts."""
    lines = [json.dumps({"id": f"dial:{host}:80", "outcome": "accepted"}) for host in hosts]
    lines += ['{"end": true}'] if end else []
    return ExecResult(code, "\n".join(lines).encode(), b"", error)


class Runner:
    """Stands for run_in_container: answers by (container, first word), one after the other where it is a list."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self.answers, self.asked = answers, list[tuple[str, str]]()
        self.stdin = b""

    def __call__(
        self,
        _: object,
        namespace: str,
        name: str,
        container: str,
        argv: Sequence[str],
        seconds: float,
        stdin: bytes,
    ) -> ExecResult:
        assert (namespace, name) == ("crm", "till-1")
        self.stdin = stdin
        self.asked.append((container, argv[0]))
        answer = self.answers.get((container, argv[0]), NO_SHELL if argv[0] == "sh" else NO_PYTHON)
        answer = answer.pop(0) if isinstance(answer, list) else answer
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, ExecResult)
        return answer


def gap_of(answers: dict[tuple[str, str], Any], *names: str) -> Gap:
    """The Gap of one dial."""
    (gap,) = ask(ClientExec(Runner(answers)), context(pod(*names or ("app",))), HANDSHAKE, DIAL)
    assert isinstance(gap, Gap)
    return gap


def test_the_clients_own_container_dials_and_the_vantage_is_the_client() -> None:
    runner = Runner({("app", "sh"): said("10.0.0.1")})
    method, run = ClientExec(runner), context(pod("app"))
    (found,) = ask(method, run, HANDSHAKE, DIAL)
    assert (found.outcome, found.witness) == (Outcome.ACCEPTED, "client-exec")
    assert run.ledger.entries == (TOUCHED,)
    assert method.vantages == {
        KEY: Vantage(
            "client",
            namespace="crm",
            node="node2",
            name="pod/till-1",
            labels=(("app", "till"), ("job", "1")),
            address="10.202.2.7",
            key=KEY,
            control="c",
        )
    }


def test_the_applications_container_comes_first_and_sidecars_last() -> None:
    runner = Runner({})
    ask(ClientExec(runner), context(pod("istio-proxy", "b", "a", sidecar="log", default="a")), HANDSHAKE, DIAL)
    assert [name for name, word in runner.asked if word == "sh"] == ["a", "b", "istio-proxy", "log"]


def test_python_does_without_a_shell() -> None:
    runner = Runner({("app", "python3"): said("10.0.0.1")})
    (found,) = ask(ClientExec(runner), context(pod("app")), HANDSHAKE, DIAL)
    assert found.outcome is Outcome.ACCEPTED
    assert runner.asked == [("app", "sh"), ("app", "python3")]


def test_the_container_that_could_is_remembered() -> None:
    runner = Runner({("b", "sh"): [said("10.0.0.1"), said("10.0.0.2")], ("a", "sh"): NO_NC})
    method, run = ClientExec(runner), context(pod("a", "b"))
    ask(method, run, HANDSHAKE, DIAL)
    (found,) = ask(method, run, HANDSHAKE, OTHER)
    assert found.outcome is Outcome.ACCEPTED
    assert runner.asked == [("a", "sh"), ("b", "sh"), ("b", "sh")]


@pytest.mark.parametrize(
    ("answers", "touched"),
    [
        ({}, ()),
        ({("app", "sh"): NO_NC}, (TOUCHED,)),
        ({("app", "sh"): ExecResult(127, b"", b"", None)}, ()),
    ],
)
def test_an_image_without_programs_is_tried_once(
    answers: dict[tuple[str, str], Any], touched: tuple[tuple[str, str], ...]
) -> None:
    runner = Runner(answers)
    method, run = ClientExec(runner), context(pod("app"))
    (gap,) = ask(method, run, HANDSHAKE, DIAL)
    before = len(runner.asked)
    (again,) = ask(method, run, HANDSHAKE, OTHER)
    assert gap.because == again.because == CANNOT
    assert gap.what == "a dial inside pod/till-1"
    assert len(runner.asked) == before
    assert run.ledger.entries == touched
    assert method.vantages == {}


def test_at_most_four_containers_are_entered() -> None:
    runner = Runner({})
    ask(ClientExec(runner), context(pod(*"abcdefgh")), HANDSHAKE, DIAL)
    assert {name for name, _ in runner.asked} == set("abcd")


def test_without_the_right_it_names_it_asks_once_and_touched_nothing() -> None:
    runner = Runner({("app", "sh"): forbidden("create", "pods/exec", "crm")})
    method, run = ClientExec(runner), context(pod("app"))
    for dial in (DIAL, OTHER):
        (gap,) = ask(method, run, HANDSHAKE, dial)
        assert gap.because == "forbidden: create pods/exec in namespace crm"
        assert gap.remedy == "grant create pods/exec"
    assert runner.asked == [("app", "sh")]
    assert run.ledger.entries == ()


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (NotFound("pods", "till-1", 'pods "till-1" not found'), 'pods "till-1" not found'),
        (ApiProblem(500, "InternalError", 'container not found ("app")'), 'container not found ("app")'),
        (Unreachable("no websocket through this proxy"), "no websocket through this proxy"),
        (
            ExecResult(137, b"", b"", None),
            "the probe inside it was killed: SIGKILL (out of memory, or the container ended)",
        ),
        (
            ExecResult(None, b"", b"", "the stream ended before the command did"),
            "the probe inside it did not end well: the stream ended before the command did",
        ),
        (
            ExecResult(None, b"", b"", "the command did not end in 55 s"),
            "the probe inside it did not end well: the command did not end in 55 s",
        ),
        (
            ExecResult(0, b"\x1b[31mwelcome to the till\n", b"", None),
            "the probe inside it ended before it answered; it wrote: [31mwelcome to the till",
        ),
        (
            ExecResult(1, b"", b"Traceback\nOSError: [Errno 24] Too many open files\n", None),
            "the probe inside it ended before it answered; it wrote: OSError: [Errno 24] Too many open files",
        ),
    ],
)
def test_failures_are_gaps(answer: Any, because: str) -> None:
    assert gap_of({("app", "sh"): answer}).because == because


def test_a_container_that_restarts_is_passed_over() -> None:
    away = ApiProblem(500, "InternalError", 'container not found ("a")')
    runner = Runner({("a", "sh"): away, ("b", "sh"): said("10.0.0.1")})
    (found,) = ask(ClientExec(runner), context(pod("a", "b")), HANDSHAKE, DIAL)
    assert found.outcome is Outcome.ACCEPTED


def test_what_it_said_before_it_was_killed_counts() -> None:
    runner = Runner({("app", "sh"): said("10.0.0.1", end=False, code=137)})
    method = ClientExec(runner)
    found, gap = ask(method, context(pod("app")), HANDSHAKE, DIAL, OTHER)
    assert found.outcome is Outcome.ACCEPTED
    assert "killed" in gap.because
    assert KEY in method.vantages


def test_a_cancelled_run_is_not_a_gap() -> None:
    with pytest.raises(Cancelled):
        gap_of({("app", "sh"): Cancelled("cancelled")})


def test_what_is_no_address_is_not_asked() -> None:
    runner = Runner({})
    odd = [Dial("$(reboot)", 80, KEY), Dial("10.0.0.1\n", 80, KEY), Dial("10.0.0.1", 70000, KEY)]
    assert ask(ClientExec(runner), context(pod("app")), HANDSHAKE, *odd) == [UNSOUND] * 3
    assert runner.asked == []


def test_nc_alone_cannot_tell_who_refused() -> None:
    line = b"nc\tquick\t1\t1\t0\tdial:10.0.0.1:80\tnc: 10.0.0.1 (10.0.0.1:80): Connection refused\n"
    method = ClientExec(Runner({("app", "sh"): ExecResult(0, line + b'{"end": true}\n', b"", None)}))
    (found,) = ask(method, context(pod("app")), HANDSHAKE, DIAL)
    assert found.outcome is Outcome.REFUSED
    assert [gap.what for gap in method.unlikes] == ["who refused pod/till-1"]


@pytest.mark.parametrize(
    ("client", "taken"),
    [
        (Client(key=KEY, standing="pod", pod=pod("app")), True),
        (Client(key=KEY, standing="pod", pod=pod("app", running=False)), False),
        (Client(key=KEY, standing="pod"), False),
        (Client(key=KEY, standing="control"), False),
        (Client(key=KEY, standing="here"), False),
        (Client(key=KEY), False),
    ],
)
def test_only_a_client_that_runs_is_entered(client: Client, taken: bool) -> None:
    run = replace(probe_context(), clients=(client,))
    assert ClientExec().takes(Need(HANDSHAKE, DIAL), run) is taken


def test_two_clients_are_entered_each_with_its_own_questions() -> None:
    second = replace(context(pod("app")).clients[0], key="pod/crm/till-2")
    runner = Runner({("app", "sh"): [said("10.0.0.1"), said("10.0.0.1")]})
    method, run = ClientExec(runner), replace(context(pod("app")), clients=(*context(pod("app")).clients, second))
    found = ask(method, run, HANDSHAKE, DIAL, replace(DIAL, at="pod/crm/till-2"))
    assert [one.outcome for one in found] == [Outcome.ACCEPTED] * 2
    assert set(method.vantages) == {KEY, "pod/crm/till-2"}


def run_with(path: str) -> Any:
    """Stands for run_in_container in an image with these programs; its stdin stays open, as with protocol v4."""

    def run(_: object, *where: Any) -> ExecResult:
        argv, seconds, stdin = where[3:]
        program = shutil.which(argv[0], path=path)
        if program is None:
            return NO_SHELL
        child = subprocess.Popen(
            [program, *argv[1:]],
            env={"PATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with child:
            assert child.stdin
            assert child.stdout
            assert child.stderr
            child.stdin.write(stdin)
            child.stdin.flush()
            out, err = child.stdout.read(), child.stderr.read()
            return ExecResult(child.wait(seconds), out, err, None)

    return run


@pytest.mark.parametrize("programs", [("sh", "python3"), ("python3",)])
def test_what_is_sent_runs_and_dials(programs: tuple[str, ...], tmp_path: Path) -> None:
    for name in programs:
        (tmp_path / name).symlink_to(sys.executable if name == "python3" else shutil.which(name) or "")
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_dial = Dial("127.0.0.1", server.getsockname()[1], KEY)
        closed = Dial("127.0.0.1", 1, KEY)
        method = ClientExec(run_with(str(tmp_path)))
        accepted, refused = ask(method, context(pod("app")), HANDSHAKE, open_dial, closed)
    assert (accepted.outcome, refused.outcome) == (Outcome.ACCEPTED, Outcome.REFUSED)
    assert method.unlikes == ()
    assert accepted.witness == refused.witness == "client-exec"


def test_names_are_looked_up_by_the_client() -> None:
    line = json.dumps({"id": "lookup:web.shop.svc", "outcome": "accepted", "addresses": ["10.96.0.7"]})
    runner = Runner({("app", "sh"): ExecResult(0, f'{line}\n{{"end": true}}\n'.encode(), b"", None)})
    (found,) = ask(ClientExec(runner), context(pod("app")), LOOKUP, NameKey("web.shop.svc", KEY))
    assert (found.addresses, found.witness) == (("10.96.0.7",), "client-exec")


@pytest.mark.parametrize("ends", [Cancelled(), Forbidden("create", "pods/exec", "shop", "no")])
def test_only_a_cancelled_agent_is_told_to_run_on(ends: Exception) -> None:
    ledger, seen = Ledger(), list[tuple[str, ...]]()

    def run() -> None:
        with ledger.going("the probe agent in pod/till-1"):
            seen.append(ledger.still_going)
            raise ends

    with pytest.raises(type(ends)):
        run()
    with ledger.going("another"):
        pass
    assert seen == [("the probe agent in pod/till-1",)]
    assert ledger.still_going == (seen[0] if isinstance(ends, Cancelled) else ())
