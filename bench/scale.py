"""How a scan grows: `scan -A --probe none` beside kubectl reading the same objects, on two sizes of cluster.

    .venv/bin/python -m bench.scale [--services N N] [--rounds N]

Told are wall time, processor time and peak memory of the clients, and the exponent between both sizes.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.control_plane import ControlPlane
from bench.filling import filled
from bench.table import row
from bench.timing import shown
from tests.cluster.gobuild import kubernetes

SIZES = (1_000, 10_000)
REFUSED = str(Path(sys.executable).parent / "kubectl-refused")
LIMIT_SECONDS = 1800.0
# At most, of 10,000 Services.
MOST_CPU, MOST_MEGABYTES = 5.0, 250.0
LONGEST = "10m"  # a request; the machine may have other work
_REQUESTS = re.compile(r'^apiserver_request_total\{.*verb="LIST".*\} (\S+)$', re.MULTILINE)


class Cost(NamedTuple):
    """What one run of a client took."""

    wall: float
    cpu: float
    megabytes: float


def cost_of(argv: Sequence[str], environment: Mapping[str, str], accepts: Sequence[int]) -> Cost:
    """Run it, with its output thrown away. Raises RuntimeError where it failed."""
    with tempfile.TemporaryFile() as complaints:
        began = time.perf_counter()
        child = subprocess.Popen(argv, env=dict(environment), stdout=subprocess.DEVNULL, stderr=complaints)
        _, status, used = os.wait4(child.pid, 0)
        took = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in accepts:
            complaints.seek(0)
            said = complaints.read()[-500:].decode(errors="replace")
            raise RuntimeError(f"{argv[0]}: exit code {child.returncode}: {said}")
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def side_by_side(commands: Sequence[Callable[[], Cost]], rounds: int) -> list[Cost]:
    """The medians of runs in turns."""
    runs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(rounds):
        for taken, run in zip(runs, commands, strict=True):
            taken.append(run())
    return [Cost(*(statistics.median(values) for values in zip(*taken, strict=True))) for taken in runs]


def compare(services: int, rounds: int) -> Cost:
    """Print the rows of one size; what the scan took."""
    with filled(services) as plane:
        environment = {**os.environ, "HOME": str(plane.layout.state), "KUBECONFIG": str(plane.kubeconfig)}
        scan = [REFUSED, "scan", "-A", "--probe", "none", "-o", "json", "--request-timeout", LONGEST]
        get = [str(kubernetes()), "kubectl", "get", "svc,endpointslices,pods", "-A", "-o", "json"]
        before = lists_of(plane)
        ours, theirs = side_by_side(
            [lambda: cost_of(scan, environment, (0, 1, 3)), lambda: cost_of(get, environment, (0,))], rounds
        )
        told(f"{services} Services", ours, theirs, lists_of(plane) - before, rounds)
    return ours


def told(size: str, ours: Cost, theirs: Cost, lists: int, rounds: int) -> None:
    """The rows: what, ours, theirs, the goal."""
    wall, memory = ours.wall / theirs.wall, ours.megabytes / theirs.megabytes
    row(
        f"scan -A, {size}",
        shown(ours.wall),
        f"kubectl {shown(theirs.wall)}: {wall:.2f} ×",
        "goal 1.0 ×",
        wall <= 1,
    )
    cpu = f"kubectl {shown(theirs.cpu)}: {ours.cpu / theirs.cpu:.2f} ×"
    row("  processor time of the client", shown(ours.cpu), cpu, f"goal {shown(MOST_CPU)}", ours.cpu <= MOST_CPU)
    peak = f"kubectl {theirs.megabytes:.0f} MB: {memory:.2f} ×"
    small = memory <= 0.25 and ours.megabytes <= MOST_MEGABYTES
    row("  peak memory", f"{ours.megabytes:.0f} MB", peak, f"goal 0.25 ×, {MOST_MEGABYTES:.0f} MB", small)
    row("  LISTs of both, by the server's metrics", f"{lists / rounds:.0f}")


def lists_of(plane: ControlPlane) -> int:
    """How many LIST requests the API server has answered so far."""
    text = str(plane.client().call("GET", "/metrics"))
    return int(sum(float(number) for number in _REQUESTS.findall(text)))


def compare_sizes(sizes: Sequence[int], rounds: int) -> None:
    """Both sizes, then how processor time and memory grow between them."""
    few, many = (compare(services, rounds) for services in sizes)
    factor = math.log(sizes[1] / sizes[0])
    exponent = math.log(many.cpu / few.cpu) / factor
    row("growth of processor time, exponent", f"{exponent:.2f}", "", "goal 1.1", exponent <= 1.1)
    row("growth of memory, exponent", f"{math.log(many.megabytes / few.megabytes) / factor:.2f}")


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--services", type=int, nargs=2, default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(words)
    compare_sizes(arguments.services, arguments.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
