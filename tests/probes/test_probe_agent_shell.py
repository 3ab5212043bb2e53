"""The agent's shell form in images that have bash but no nc, or neither."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_refused.model.facts import Dial, NameKey
from kubectl_refused.model.observation import Handshake, Lookup, Outcome
from kubectl_refused.probes.probe_agent_answers import Answers, request_of
from kubectl_refused.probes.probe_agent_source import EITHER, PROGRAM, packed_source, shell_source, stdin_argv
from tests.probes.agent_runs import ask, busybox_path, dialled, served, silent

TOOLS = ("env", "sh", "sleep", "grep", "cut", "tr", "getent")
FAST = ("--timeout", "1")


def image(folder: Path, *tools: str) -> list[str]:
    """The command of the shell form with nothing but these programs in its PATH."""
    for tool in (*TOOLS, *tools):
        found = shutil.which(tool)
        assert found, f"the suite needs {tool}"
        (folder / tool).symlink_to(found)
    return ["env", "-i", f"PATH={folder}", "sh", "-c", shell_source(), PROGRAM]


@pytest.mark.parametrize("tools", [("bash", "timeout"), ("bash",)])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("keeps quiet", Outcome.ACCEPTED), ("speaks", Outcome.ACCEPTED), ("closes", Outcome.RESET)],
)
def test_bash_tells_an_accept_from_one_that_dies(
    tmp_path: Path, tools: tuple[str, ...], answer: str, outcome: Outcome
) -> None:
    command = image(tmp_path, *tools)
    for address in ("127.0.0.1", "::1"):
        with served(answer, address) as dial:
            assert dialled(dial, command=command, options=FAST).outcome is outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("keeps quiet", Outcome.ACCEPTED),
        ("speaks", Outcome.ACCEPTED),
        ("closes", Outcome.RESET),
        ("resets", Outcome.RESET),
    ],
)
def test_busybox_tells_an_accept_from_one_that_dies(tmp_path: Path, answer: str, outcome: Outcome) -> None:
    command = ["env", "-i", f"PATH={busybox_path(tmp_path)}", "sh", "-c", shell_source(), PROGRAM]
    with served(answer) as dial:
        seen = dialled(dial, command=command, options=FAST)
    assert seen.outcome is outcome
    assert seen.seconds < 0.5, "the handshake's time, not the listening's"


@pytest.mark.parametrize("tools", [("bash", "timeout"), ("bash",)])
def test_bash_tells_refused_and_silence_but_not_the_origin(tmp_path: Path, tools: tuple[str, ...]) -> None:
    command = image(tmp_path, *tools)
    with served("keeps quiet") as gone:
        pass
    refused = dialled(gone, command=command, options=FAST)
    with silent() as full:
        unanswered = dialled(full, command=command, options=FAST)
    assert (refused.outcome, refused.errno, refused.icmp) == (Outcome.REFUSED, "ECONNREFUSED", None)
    assert "cannot be told" in refused.detail
    assert (unanswered.outcome, unanswered.tries) == (Outcome.TIMEOUT, 2)


def test_names_are_looked_up_without_nslookup(tmp_path: Path) -> None:
    said = ask(NameKey("localhost"), NameKey("no-such-name.invalid"), command=image(tmp_path, "bash")).values
    good, bad = said["lookup:localhost"], said["lookup:no-such-name.invalid"]
    assert isinstance(good, Lookup)
    assert isinstance(bad, Lookup)
    assert set(good.addresses) & {"127.0.0.1", "::1"}
    assert (bad.addresses, bad.error) == ((), "can't resolve no-such-name.invalid")


@pytest.mark.parametrize("with_bash", [True, False])
def test_repeats_are_counted_whatever_dials(tmp_path: Path, with_bash: bool) -> None:
    path = busybox_path(tmp_path) if not with_bash else ""
    busybox = ["env", "-i", f"PATH={path}", "sh", "-c", shell_source(), PROGRAM]
    command = image(tmp_path, "bash") if with_bash else busybox
    with served("keeps quiet") as dial:
        said = ask(dial, command=command, options=(*FAST, "--times", "3")).values[request_of(dial)]
    assert isinstance(said, Handshake)
    assert (said.outcome, said.heard) == (Outcome.ACCEPTED, ((Outcome.ACCEPTED, 3),))


# Runs a command as a container whose process 1 is no init does: orphans come here, and nobody waits for them.
CONTAINER = """import ctypes, os, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: prctl(2)
agent = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
agent.communicate(open(sys.argv[1], "rb").read())
time.sleep(1.5)
left = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read().split()
sys.exit(" ".join(open(f"/proc/{pid}/stat").read().split(")")[0] for pid in left) or 0)
"""


def test_no_process_is_left_to_the_clients_container(tmp_path: Path) -> None:
    path = busybox_path(tmp_path)
    with served("keeps quiet") as dial, silent() as full:
        argv, program = stdin_argv([*FAST, request_of(dial), request_of(full), "lookup:localhost"], form="shell")
        (tmp_path / "program").write_bytes(program)
        command = [sys.executable, "-c", CONTAINER, str(tmp_path / "program"), *argv]
        ended = subprocess.run(command, env={"PATH": path}, capture_output=True, timeout=30, check=False)
    assert ended.stdout.endswith(b'{"end": true}\n')
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("form", ["shell", "either"])
def test_an_image_without_all_of_them_says_so_at_once(tmp_path: Path, form: str) -> None:
    command = image(tmp_path)
    if form == "either":
        command = [*command[:4], "-c", EITHER, PROGRAM, packed_source(), shell_source()]
    ended = subprocess.run([*command, *FAST, "dial:127.0.0.1:9"], capture_output=True, timeout=10, check=False)
    answers = Answers({"dial:127.0.0.1:9": Dial("127.0.0.1", 9)})
    answers.take_all(ended.stdout.splitlines())
    assert (answers.unable, answers.ended, answers.values) == ("no python3, nc or bash", True, {})
    assert answers.garbage == 0


def test_a_request_is_never_bashs_text(tmp_path: Path) -> None:
    image_folder, harmed = tmp_path / "image", tmp_path / "harmed"
    image_folder.mkdir()
    harmed.mkdir()
    command = image(image_folder, "bash")
    hostile = [
        f"dial:$(echo>{harmed}/a);echo>{harmed}/b `echo>{harmed}/c`\"':80",
        f"dial:../..{harmed}/d:1",
        "dial:x:$(y)",
    ]
    ended = subprocess.run([*command, *FAST, *hostile], capture_output=True, timeout=20, check=False)
    assert b'{"end": true}' in ended.stdout
    assert list(harmed.iterdir()) == []
