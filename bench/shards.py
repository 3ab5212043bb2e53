"""How many dials a second one core makes: the program of a shard, as it runs in a large scan's pods.

It dials sockets on loopback that accept by themselves (a backlog takes them), so that no server has a share of the
time, which is the process' own: on a busy machine the wall time is somebody else's.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys

from bench.table import row
from kubectl_refused.probes.probe_agent_source import shard_source
from kubectl_refused.probes.shard_plan import Plan

ADDRESSES, PORTS, TIMES = 50, 20, 4
RATE = 10_000
LEAST = 2_000
SECONDS = 120.0


def dials() -> None:
    """Print the row. Raises RuntimeError where not every dial was accepted."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("0.0.0.0", 0), backlog=4096)) for _ in range(PORTS)]
        ports = [server.getsockname()[1] for server in servers]
        places = tuple((f"127.0.1.{n + 1}", port) for n in range(ADDRESSES) for port in ports)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = _run(Plan(places).words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    number = len(places) * TIMES
    if told["dialled"] != number:
        raise RuntimeError(f"{told['dialled']} of {number} dials were made")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate = number / cpu
    what = f"a shard's dials a second of processor time, {number} dials"
    row(what, f"{rate:.0f} ({told['seconds']:.1f} s in all)", "", None, str(LEAST), rate >= LEAST)


def _run(words: tuple[str, ...]) -> dict[str, float]:
    """The last line of the program: what it did."""
    options = ["--timeout", "5", "--seconds", str(SECONDS), "--rate", str(RATE), "--times", str(TIMES)]
    argv = [sys.executable, "-S", "-I", "-c", shard_source(), *options, *words]
    environment = {**os.environ, "JOB_COMPLETION_INDEX": "0"}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=SECONDS * 2, check=True)
    end: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return end
