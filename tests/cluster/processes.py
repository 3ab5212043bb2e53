"""Processes of the harness: who they are, how they start, and how they end.

A pid alone is no identity, since the kernel reuses it: a pid with its start time is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "KUBECTL_REFUSED_CLUSTER_STATE"
RESTARTS_AT_MOST = 50
RESTART_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Identity:
    """A process for ever: `started` is in clock ticks since the machine booted (proc(5), stat field 22)."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        fields = stat_of(self.pid)
        return bool(fields) and int(fields[19]) == self.started and fields[0] not in "ZX"

    def kill(self) -> None:
        """End the process, if it is still the same one; one that ends meanwhile is what was wanted."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    # The second field is the name in brackets and may itself hold brackets and spaces.
    return text.rpartition(")")[2].split()


def identity_of(pid: int) -> Identity | None:
    """The identity of the process that has this pid now."""
    fields = stat_of(pid)
    return Identity(pid, int(fields[19])) if fields else None


def marked(state: Path) -> Iterator[Identity]:
    """Every process that was started for the cluster of this state directory, by its environment."""
    wanted = f"{MARK}={state}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        found = identity_of(int(entry.name)) if wanted in variables else None
        if found:
            yield found


def wait_ended(processes: Sequence[Identity], *, seconds: float) -> bool:
    """Wait until all have ended; False if some still run after `seconds`."""
    deadline = time.monotonic() + seconds
    while any(process.alive() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Daemon(threading.Thread):
    """A program kept running: started, and started again when it ends, a bounded number of times."""

    def __init__(
        self, name: str, argv: Sequence[str | Path], *, log: Path, environment: Mapping[str, str]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.argv = [str(word) for word in argv]
        self.log = log
        self.environment = dict(environment)

    def run(self) -> None:
        with self.log.open("ab") as sink:
            for _ in range(RESTARTS_AT_MOST):
                child = subprocess.Popen(
                    self.argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=self.environment, cwd="/"
                )
                code = child.wait()
                sink.write(f"--- {self.name} ended with {code}; starting it again ---\n".encode())
                sink.flush()
                time.sleep(RESTART_PAUSE_SECONDS)
