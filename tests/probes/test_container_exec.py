"""Which containers are asked for sockets, with which program, and what their failures become."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from kubectl_refused.connection.exec import ExecResult
from kubectl_refused.model.facts import LISTENERS, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateWaiting,
    ContainerStatus,
    Metadata,
    Pod,
    PodStatus,
)
from kubectl_refused.model.snapshot import Change, Snapshot, fold
from kubectl_refused.probes.container_exec import SCRIPT, WITH_SHELL, WITHOUT_SHELL, ContainerExec
from kubectl_refused.probes.proc_net import byte_order_of, parse_listeners, parse_owners, was_read
from tests.fakes import FakeConnection, ask, forbidden, probe_context

KEY = PodKey("shop", "web-1")
TABLE = (
    "  sl  local_address rem_address   st\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 77 1 0\n"
)
OWNER = "@process 1 httpd\n 3 -> socket:[77]\n"
MISSING = ExecResult(126, b"", b"", None)
NO_FILE = ExecResult(None, b"", b"", 'exec failed: exec: "sh": executable file not found in $PATH: unknown')


def read(text: str, code: int = 0) -> ExecResult:
    return ExecResult(code, text.encode(), b"", None)


def status(name: str, running: bool = True) -> ContainerStatus:
    state = (
        ContainerState(running=ContainerStateRunning())
        if running
        else ContainerState(waiting=ContainerStateWaiting())
    )
    return ContainerStatus(name=name, state=state)


def pod(*names: str, sidecar: str = "", default: str = "", phase: str = "Running") -> Snapshot:
    annotations = {"kubectl.kubernetes.io/default-container": default} if default else None
    value = Pod(
        metadata=Metadata(name="web-1", namespace="shop", annotations=annotations),
        status=PodStatus(
            phase=phase,
            container_statuses=tuple(status(name) for name in names),
            init_container_statuses=(status(sidecar),) if sidecar else None,
        ),
    )
    return fold([Change(0, value=value)])


class Runner:
    """Stands for run_in_container: answers by (container, first word), and keeps who was asked."""

    def __init__(self, answers: dict[tuple[str, str], ExecResult | Exception]) -> None:
        self.answers, self.asked = answers, list[tuple[str, str]]()

    def __call__(
        self, _: object, namespace: str, name: str, container: str, argv: Sequence[str], seconds: float
    ) -> ExecResult:
        assert PodKey(namespace, name) == KEY
        assert argv in (WITH_SHELL, WITHOUT_SHELL)
        self.asked.append((container, argv[0]))
        answer = self.answers.get((container, argv[0]), MISSING)
        if isinstance(answer, Exception):
            raise answer
        return answer


def told(runner: Runner, seen: Snapshot) -> Any:
    context = probe_context(snapshot=seen)
    (answer,) = ask(ContainerExec(runner), context, LISTENERS, KEY)
    if runner.asked:
        # What the API server refused never touched the pod.
        forbidden = isinstance(answer, Gap) and answer.because.startswith("forbidden")
        touched = () if forbidden else (("exec in pod/web-1: cat /proc/net/tcp", "read only"),)
        assert context.ledger.entries == touched
    return answer


def test_one_exec_tells_sockets_and_process() -> None:
    runner = Runner({("app", "sh"): read(TABLE + OWNER)})
    found = told(runner, pod("app"))
    assert [(s.shown, s.owner) for s in found.sockets] == [("127.0.0.1:8080", "httpd (pid 1)")]
    assert found.witness == "exec in web-1"
    assert runner.asked == [("app", "sh")]


def test_without_a_shell_cat_does_and_a_missing_tcp6_is_no_failure() -> None:
    runner = Runner({("app", "sh"): NO_FILE, ("app", "cat"): read(TABLE, code=1)})
    found = told(runner, pod("app"))
    assert [s.owner for s in found.sockets] == [""]


def test_names_come_from_the_container_that_has_the_process() -> None:
    runner = Runner({("app", "sh"): read(TABLE), ("web", "sh"): read(TABLE + OWNER)})
    assert [s.process for s in told(runner, pod("app", "web")).sockets] == ["httpd"]


def test_a_container_without_programs_is_passed_over() -> None:
    runner = Runner({("b", "sh"): read(TABLE + OWNER)})
    assert told(runner, pod("a", "b")).sockets
    assert runner.asked == [("a", "sh"), ("a", "cat"), ("b", "sh")]


def test_the_applications_own_container_comes_first() -> None:
    runner = Runner({})
    told(runner, pod("istio-proxy", "b", "a", sidecar="log", default="a"))
    assert [name for name, word in runner.asked if word == "sh"] == ["a", "b", "istio-proxy", "log"]


def test_at_most_four_containers_are_entered() -> None:
    runner = Runner({})
    told(runner, pod(*"abcdefgh"))
    assert len({name for name, _ in runner.asked}) == 4


def test_nothing_listening_is_an_answer() -> None:
    assert told(Runner({("app", "sh"): read(TABLE.split("\n")[0])}), pod("app")).sockets == ()


@pytest.mark.parametrize(
    ("answers", "because"),
    [
        ({}, "the image has neither sh nor cat"),
        ({("app", "sh"): NO_FILE, ("app", "cat"): NO_FILE}, "the image has neither sh nor cat"),
        ({("app", "cat"): ExecResult(1, b"", b"cat: \x1b[1mdenied", None)}, "cat: denied"),
        (
            {("app", "cat"): ExecResult(None, b"", b"", "the command did not end in 10 s")},
            "the command did not end in 10 s",
        ),
        ({("app", "sh"): forbidden("create", "pods/exec")}, "forbidden: create pods/exec in namespace shop"),
    ],
)
def test_failures_are_gaps(answers: Any, because: str) -> None:
    gap = told(Runner(answers), pod("app"))
    assert isinstance(gap, Gap)
    assert (gap.what, gap.because) == ("listening sockets of pod/web-1", because)


@pytest.mark.parametrize("seen", [pod(phase="Pending"), fold([])])
def test_a_pod_that_does_not_run_is_not_entered(seen: Snapshot) -> None:
    runner = Runner({})
    assert isinstance(told(runner, seen), Gap)
    assert runner.asked == []


def test_a_pod_nobody_read_is_fetched() -> None:
    running = {"name": "app", "state": {"running": {}}}
    body = {"metadata": {"name": "web-1"}, "status": {"phase": "Running", "containerStatuses": [running]}}
    fake = FakeConnection({"/api/v1/namespaces/shop/pods/web-1": body})
    runner = Runner({("app", "sh"): read(TABLE)})
    (found,) = ask(ContainerExec(runner), probe_context(fake), LISTENERS, KEY)
    assert found.sockets


@pytest.mark.parametrize("path", [None, "/nonexistent"])
def test_the_script_runs_in_a_posix_shell_with_and_without_programs(path: str | None) -> None:
    shell = shutil.which("dash") or shutil.which("sh")
    assert shell
    environment = {"PATH": path} if path else None
    done = subprocess.run([shell, "-c", SCRIPT], capture_output=True, timeout=30, env=environment, check=True)
    text = done.stdout.decode(errors="replace")
    assert was_read(text)
    assert byte_order_of(text) == "little"
    parse_listeners(text)
    parse_owners(text)
