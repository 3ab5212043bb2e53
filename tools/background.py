"""Build the cluster's program and images in the background while another command runs.

    python3 -m tools.background COMMAND [ARGUMENT ...]

The build is most of a first run (4 to 7 minutes on 2 cores) and needs no venv, so it starts first.
Standard library only. The exit code is the command's, or the build's where the command went well.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Never

from tools.privilege import as_root

ROOT = Path(__file__).resolve().parent.parent
SAY_EVERY_SECONDS = 20.0
STOP_SECONDS = 10.0
LIMIT_SECONDS = 2400.0
BUILD = """
import sys
from tests.cluster import api
try:
    api.fill_cache()
except api.ClusterError as error:
    sys.exit(f"error: {error}")
"""
KILL = "import os, sys; os.killpg(int(sys.argv[1]), int(sys.argv[2]))"


class Build:
    """The build as a child process; its progress is shown, thinned out while something else runs."""

    def __init__(self) -> None:
        self._often = threading.Event()
        self._tail: list[str] = []
        # A group of its own, so that stopping it stops the compilers as well; nice, because what runs
        # beside it is what a person is waiting for.
        self._child = subprocess.Popen(
            [*as_root(), "nice", "-n", "15", sys.executable, "-c", BUILD],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._reader = threading.Thread(target=self._relay, daemon=True)
        self._reader.start()

    def _relay(self) -> None:
        said = 0.0
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._tail = [*self._tail[-20:], line.rstrip()]
            if self._often.is_set() or time.monotonic() - said > SAY_EVERY_SECONDS:
                print(f"build: {line.rstrip()}", file=sys.stderr, flush=True)
                said = time.monotonic()

    def wait(self) -> int:
        """Wait to the end, showing every line; the exit code. Shows the last lines of a failure."""
        self._often.set()
        try:
            code = self._child.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            code = 1
        self._reader.join(STOP_SECONDS)
        if code != 0:
            print("\n".join(["build: failed", *self._tail]), file=sys.stderr, flush=True)
        return code

    def stop(self) -> None:
        """End the build and all it started; harmless when it has ended. The next run goes on from its cache."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is not None:
                return
            # Not yet waited for, so the id is still ours. Through a child, for under sudo it is root's.
            words = [sys.executable, "-c", KILL, str(self._child.pid), str(number.value)]
            subprocess.run([*as_root(), *words], check=False)
            try:
                self._child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue


def main(argv: list[str]) -> int:
    """Run the command beside the build."""
    if not argv:
        print("usage: python3 -m tools.background COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, raise_interrupt)
    build = Build()
    try:
        code = subprocess.run(argv, check=False).returncode
        return code if code != 0 else build.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        build.stop()


def raise_interrupt(_number: int, _frame: FrameType | None) -> Never:
    """SIGTERM ends as Ctrl-C does, through the clean-up."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
