"""The agent started with its program on standard input, as an exec in somebody's container does it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kubectl_refused.model.facts import Dial
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.probes.probe_agent_answers import Answers, missing, request_of
from kubectl_refused.probes.probe_agent_source import stdin_argv
from tests.probes.agent_runs import busybox_path, served

WITH_PYTHON = f"{Path(sys.executable).parent}:/usr/bin:/bin"
ENDPOINTS = [f"dial:10.0.{n}.1:80" for n in range(250)]


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with busybox's applets only."""
    return busybox_path(tmp_path_factory.mktemp("applets"))


def run(argv: list[str], program: bytes, path: str = WITH_PYTHON) -> subprocess.CompletedProcess[bytes]:
    """Run it in an environment with nothing but a PATH, its input in small pieces and never ended."""
    command = ["env", "-i", f"PATH={path}", *argv]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, bufsize=0) as process:
        assert process.stdin is not None
        feeder = threading.Thread(target=feed, args=(process.stdin.fileno(), program))
        feeder.start()
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = process.stdout.read(), process.stderr.read()
        status = process.wait(20)
        feeder.join(5)
    return subprocess.CompletedProcess(command, status, out, err)


def feed(descriptor: int, program: bytes) -> None:
    """Write in pieces that no buffer is a multiple of."""
    with open(descriptor, "wb", buffering=0, closefd=False) as pipe:
        for start in range(0, len(program), 777):
            try:
                pipe.write(program[start : start + 777])
            except BrokenPipeError:  # the shell form leaves the Python form unread
                return


def understood(dial: Dial, output: bytes) -> Handshake:
    """The one answer in an output."""
    answers = Answers({request_of(dial): dial})
    answers.take_all(output.splitlines())
    assert (answers.ended, missing(answers), answers.garbage) == (True, [], 0)
    value = answers.values[request_of(dial)]
    assert isinstance(value, Handshake)
    return value


@pytest.mark.parametrize("form", ["python", "either"])
def test_python_takes_its_program_from_an_input_that_stays_open(form: str) -> None:
    with served("keeps quiet") as dial:
        argv, program = stdin_argv(["--timeout", "1", request_of(dial)], form=form)
        ended = run(argv, program)
        said = understood(dial, ended.stdout)
    assert (ended.stderr, said.outcome, said.source) == (b"", Outcome.ACCEPTED, "127.0.0.1")


@pytest.mark.parametrize("form", ["shell", "either"])
def test_an_image_without_python_runs_the_shell_form(form: str, busybox: str) -> None:
    with served("keeps quiet") as dial:
        argv, program = stdin_argv(["--timeout", "1", request_of(dial)], form=form)
        ended = run(argv, program, busybox)
        said = understood(dial, ended.stdout)
    assert (ended.stderr, said.outcome) == (b"", Outcome.ACCEPTED)


@pytest.mark.parametrize("form", ["python", "shell"])
def test_the_agent_ends_with_its_input(form: str, busybox: str) -> None:
    """A cut stream is the end of the input to what runs in the container: nobody waits for its answers."""
    argv, program = stdin_argv(["--watch", "1", "--hold", "300"], form=form)
    path = WITH_PYTHON if form == "python" else busybox
    command = ["env", "-i", f"PATH={path}", *argv]
    with subprocess.Popen(command, stdin=-1, stdout=-1, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        feed(process.stdin.fileno(), program)
        assert b'{"end": true}\n' in [process.stdout.readline() for _ in range(1 + (form == "shell"))]
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 0


@pytest.mark.parametrize("form", ["python", "shell", "either"])
def test_the_command_line_is_short_whatever_is_asked(form: str) -> None:
    few, many = stdin_argv([], form=form)[0], stdin_argv(ENDPOINTS, form=form)[0]
    assert len(urlencode([("command", word) for word in many])) < 1536
    assert not any("10.0." in word for word in many)
    assert len(few) == len(many)


@pytest.mark.parametrize("form", ["python", "shell"])
def test_a_program_cut_short_does_not_run(form: str) -> None:
    argv, program = stdin_argv(["dial:127.0.0.1:9"], form=form)
    ended = subprocess.run(argv, input=program[:-40], capture_output=True, timeout=20, check=False)
    assert ended.returncode != 0
    assert ended.stdout == b""


@pytest.mark.parametrize("form", ["python", "shell"])
def test_an_argument_is_data_in_both_forms(form: str, tmp_path: Path, busybox: str) -> None:
    hostile = f"dial:$(echo>{tmp_path}/a);echo>{tmp_path}/b `echo>{tmp_path}/c`'\"\\:80"
    argv, program = stdin_argv(["--timeout", "1", hostile], form=form)
    path = WITH_PYTHON if form == "python" else busybox
    assert b'{"end": true}' in run(argv, program, path).stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument", ["dial:a\nb:80", "dial:a\0b:80"])
def test_an_argument_of_two_lines_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        stdin_argv([argument])
