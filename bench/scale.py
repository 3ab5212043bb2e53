"""How a scan grows: `scan -A --probe none` beside kubectl reading the same objects, on two sizes of cluster.

    .venv/bin/python -m bench.scale [--services N N] [--rounds N]

Told are wall time, processor time and peak memory of the clients, what they asked by the server's own metrics, the
exponent between both sizes, one Service in a full and in an empty cluster, and a scan that goes on watching.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.control_plane import ControlPlane
from bench.filling import filled
from bench.table import row
from bench.timing import shown
from bench.watching import watched
from tests.cluster.gobuild import kubernetes

SIZES = (1_000, 10_000)
EMPTY = 50  # Services of the smallest cluster: one namespace
REFUSED = str(Path(sys.executable).parent / "kubectl-refused")
ONE = ("svc/web-00000", "-n", "team-000")
# At most, of 10,000 Services.
MOST_CPU, MOST_MEGABYTES = 5.0, 250.0
MOST_SKIM_CPU, MOST_SKIM_LISTS = 1.5, 40
MOST_GROWTH, MOST_RATIO = 1.1, 1.3
LARGE = 5_000  # Services, of which kubectl's turn alone takes minutes: once is enough
LONGEST = "10m"  # a request; the machine may have other work
# In a small process of its own: a child's peak memory begins with that of who started it (getrusage(2)).
MEASURE = """
import json, os, subprocess, sys, time
began = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
took = time.perf_counter() - began
child.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([child.returncode, took, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
_LISTS = re.compile(r'^apiserver_request_total\{.*verb="LIST".*\} (\S+)$', re.MULTILINE)
_BYTES = re.compile(r'^apiserver_response_sizes_sum\{.*verb="LIST".*\} (\S+)$', re.MULTILINE)


class Cost(NamedTuple):
    """What one run of a client took, and what it asked of the server."""

    wall: float
    cpu: float
    megabytes: float
    lists: float = 0
    read: float = 0


def cost_of(argv: Sequence[str], environment: Mapping[str, str], accepts: Sequence[int]) -> Cost:
    """Run it, with its output thrown away. Raises RuntimeError where it failed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *argv], env=dict(environment), capture_output=True, check=False
    )
    code, wall, cpu, kilobytes = json.loads(done.stdout)
    if code not in accepts:
        said = done.stderr[-500:].decode(errors="replace")
        raise RuntimeError(f"{argv[0]}: exit code {code}: {said}")
    return Cost(wall, cpu, kilobytes / 1024)


def on(plane: ControlPlane, argv: Sequence[str], accepts: Sequence[int]) -> Cost:
    """What it costs there."""
    environment = {**os.environ, "HOME": str(plane.layout.state), "KUBECONFIG": str(plane.kubeconfig)}
    before = told_by(plane)
    cost = cost_of(argv, environment, accepts)
    lists, read = (after - earlier for after, earlier in zip(told_by(plane), before, strict=True))
    return cost._replace(lists=lists, read=read / 1e6)


def told_by(plane: ControlPlane) -> tuple[float, float]:
    """How many LIST requests the API server has answered so far, and with how many bytes before compression."""
    text = str(plane.client().call("GET", "/metrics"))
    lists, read = (sum(float(number) for number in wanted.findall(text)) for wanted in (_LISTS, _BYTES))
    return lists, read


def medians(runs: Sequence[Cost]) -> Cost:
    """Of each column."""
    return Cost(*(statistics.median(values) for values in zip(*runs, strict=True)))


def compare(services: int, rounds: int) -> tuple[Cost, float]:
    """Print the rows of one size; what the scan took, and how long one Service."""
    scan = [REFUSED, "scan", "-A", "--probe", "none", "-o", "json", "--request-timeout", LONGEST]
    get = [str(kubernetes()), "kubectl", "get", "svc,endpointslices,pods", "-A", "-o", "json"]
    ours: list[Cost] = []
    theirs: list[Cost] = []
    skims: list[Cost] = []
    with filled(services) as plane:
        for _ in range(rounds):
            ours.append(on(plane, scan, (0, 1, 3)))
            skims.append(on(plane, [*scan[:3], "--skim", *scan[5:]], (0, 1, 3)))
            theirs.append(on(plane, get, (0,)))
        told(f"{services} Services", medians(ours), medians(theirs))
        skimmed(f"{services} Services", medians(skims), medians(ours))
        alone = one_service(plane, rounds)
        watched(plane, services)
    return medians(ours), alone


def one_service(plane: ControlPlane, rounds: int) -> float:
    """Seconds of a diagnosis of one Service there."""
    argv = [REFUSED, *ONE, "--probe", "none", "-o", "json", "--request-timeout", LONGEST]
    return min(on(plane, argv, (0, 1, 3)).wall for _ in range(rounds + 1))


def told(size: str, ours: Cost, theirs: Cost) -> None:
    """The rows: what, ours, theirs, the target."""
    wall, memory = ours.wall / theirs.wall, ours.megabytes / theirs.megabytes
    row(
        f"scan -A, {size}: wall time",
        shown(ours.wall),
        f"kubectl get {shown(theirs.wall)}",
        wall,
        "1.0 ×",
        wall <= 1,
    )
    others = f"kubectl get {shown(theirs.cpu)}"
    row("  processor time", shown(ours.cpu), others, ours.cpu / theirs.cpu, shown(MOST_CPU), ours.cpu <= MOST_CPU)
    small = memory <= 0.25 and ours.megabytes <= MOST_MEGABYTES
    row(
        "  peak memory",
        f"{ours.megabytes:.0f} MB",
        f"kubectl get {theirs.megabytes:.0f} MB",
        memory,
        f"0.25 ×, {MOST_MEGABYTES:.0f} MB",
        small,
    )
    asked, others = (f"{one.lists:.0f} LISTs, {one.read:.0f} MB" for one in (ours, theirs))
    row("  asked of the server, by its own metrics", asked, f"kubectl get {others}", ours.lists / theirs.lists)


def skimmed(size: str, skim: Cost, whole: Cost) -> None:
    """The rows of a scan that reads few pods, beside the one that reads all of them."""
    whole_time = f"all pods {shown(whole.wall)}"
    row(f"scan -A --skim, {size}: wall time", shown(skim.wall), whole_time, skim.wall / whole.wall)
    row(
        "  processor time",
        shown(skim.cpu),
        f"all pods {shown(whole.cpu)}",
        skim.cpu / whole.cpu,
        shown(MOST_SKIM_CPU),
        skim.cpu <= MOST_SKIM_CPU,
    )
    row("  peak memory", f"{skim.megabytes:.0f} MB", f"all pods {whole.megabytes:.0f} MB")
    asked, others = (f"{one.lists:.0f} LISTs, {one.read:.0f} MB" for one in (skim, whole))
    few = skim.lists <= MOST_SKIM_LISTS
    row("  asked of the server, by its own metrics", asked, f"all pods {others}", None, str(MOST_SKIM_LISTS), few)


def compare_sizes(sizes: Sequence[int], rounds: int) -> None:
    """Every size, then how they grow, and one Service in the largest and in an empty cluster."""
    found = [compare(services, rounds if services < LARGE else 1) for services in sizes]
    if len(sizes) > 1:
        (few, _), (many, _) = found[0], found[-1]
        factor = math.log(sizes[-1] / sizes[0])
        cpu, memory = math.log(many.cpu / few.cpu) / factor, math.log(many.megabytes / few.megabytes) / factor
        row(
            "scan -A, growth of processor time, exponent",
            f"{cpu:.2f}",
            "",
            None,
            str(MOST_GROWTH),
            cpu <= MOST_GROWTH,
        )
        row("  of memory, exponent", f"{memory:.2f}")
    with filled(EMPTY) as plane:
        alone = one_service(plane, rounds)
    ratio = found[-1][1] / alone
    what = f"svc/NAME among {sizes[-1]} Services, beside {EMPTY}"
    row(what, shown(found[-1][1]), shown(alone), ratio, f"{MOST_RATIO} ×", ratio <= MOST_RATIO)


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--services", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(words)
    compare_sizes(arguments.services, arguments.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
