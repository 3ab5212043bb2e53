"""The command that is run: its bytes, its exit code, its signals, its terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from .tool import SECONDS, environment

QUIET = "kubectl refused: not watched"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "kubectl_refused", "run", "--", *words]


def run(home: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*words), input=stdin, capture_output=True, timeout=SECONDS, env=environment(home)
    )


def started(home: Path, *words: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment(home),
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "exit 130"], 130),
        (["sh", "-c", "kill -9 $$"], 137),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["no-such-command-here"], 127),
        (["/etc/passwd"], 126),
        (["/"], 126),
    ],
)
def test_its_exit_code_is_ours(words: list[str], code: int, tmp_path: Path) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_a_script_without_its_interpreter_is_not_executable(tmp_path: Path) -> None:
    script = tmp_path / "tests"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = run(tmp_path, str(script))
    assert (done.returncode, b"its interpreter is missing" in done.stderr) == (126, True)


def test_bytes_pass_unchanged_in_both_streams_and_from_stdin(tmp_path: Path) -> None:
    data = bytes(range(256)) * 3000
    done = run(tmp_path, "sh", "-c", "tee /dev/stderr", stdin=data)
    assert done.stdout == data
    assert done.stderr.endswith(data)
    assert done.stderr.removesuffix(data).decode().startswith(QUIET)


def test_options_behind_the_dashes_are_the_commands(tmp_path: Path) -> None:
    done = run(tmp_path, "echo", "-n", "--help", "--", "-o", "json")
    assert done.stdout == b"--help -- -o json"


def test_one_file_for_both_streams_keeps_the_order(tmp_path: Path) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"
    with started(tmp_path, "sh", "-c", script, stderr=subprocess.STDOUT) as process:
        out, _ = process.communicate(timeout=SECONDS)
    lines = [line for line in out.decode().splitlines() if not line.startswith(QUIET)]
    assert lines == [f"{stream} {i}" for i in range(1, 10) for stream in ("out", "err")]


def test_output_comes_before_the_end(tmp_path: Path) -> None:
    with started(tmp_path, "sh", "-c", "printf begun; sleep 60") as process:
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 100) == b"begun"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 143


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_it_and_it_decides(number: signal.Signals, tmp_path: Path) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo got {name}; exit 9' {name}; echo begun; while :; do sleep 0.1; done"
    with started(tmp_path, "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (9, f"got {name}\n".encode())


def test_who_stops_reading_ends_it_as_a_pipe_does(tmp_path: Path) -> None:
    with started(tmp_path, "sh", "-c", "yes; echo $? >&2") as process:
        assert process.stdout is not None
        process.stdout.read(4)
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read().decode()
        assert process.wait(SECONDS) == 0
    assert err.splitlines()[-1] in ("141", "1")  # SIGPIPE, or EPIPE where that is ignored


def test_what_it_leaves_running_keeps_nobody(tmp_path: Path) -> None:
    with started(tmp_path, "sh", "-c", "sleep 300 & echo $!; exit 4") as process:
        out, _ = process.communicate(timeout=SECONDS)
    os.kill(int(out), signal.SIGKILL)
    assert process.returncode == 4


def test_memory_is_bounded_whatever_it_writes(tmp_path: Path) -> None:
    writer = "import os\nfor _ in range(100): os.write(1, b'connect refused ' * 65536)"
    # A small process between: the kernel counts what a spawned child was before its exec, the size of this test
    # run, as its maximum too (exec_mmap in fs/exec.c).
    measured = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured, *command(sys.executable, "-c", writer)],
        capture_output=True,
        timeout=SECONDS,
        env=environment(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 250_000  # KiB; 100 MiB were written


def on_terminal(home: Path, words: Sequence[str], typed: bytes = b"") -> tuple[int, bytes]:
    """Run with a terminal as stdin, stdout, stderr and controlling terminal; `typed` once it has said `begun`."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, command(*words), environment(home, TERM="xterm"))
    seen, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
        if typed and b"begun" in seen:
            os.write(terminal, typed)
            typed = b""
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


def test_it_finds_the_terminal_that_we_have(tmp_path: Path) -> None:
    script = "test -t 0 && test -t 1 && test -t 2 && stty size </dev/tty && echo 'a\\tb' && exit 6"
    code, seen = on_terminal(tmp_path, ["sh", "-c", script])
    assert code == 6, seen
    assert b"a\tb\r\n" in seen


def test_ctrl_c_at_a_terminal_reaches_it_once(tmp_path: Path) -> None:
    script = "n=0; trap 'n=$((n+1)); echo got $n' INT; echo begun; i=0; "
    script += "while [ $i -lt 8 ]; do i=$((i+1)); sleep 0.2; done; exit 8"
    code, seen = on_terminal(tmp_path, ["sh", "-c", script], typed=b"\x03")
    assert code == 8, seen
    assert b"got 1" in seen
    assert b"got 2" not in seen
