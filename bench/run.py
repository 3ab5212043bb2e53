"""`make bench`: how fast kubectl refused is, beside kubectl, kube-score and bare Python, in one run.

    .venv/bin/python -m bench.run [--parts PART …] [--kubeconfig FILE --kubectl COMMAND] [--rounds N] [--keep]

Without --kubeconfig it starts an embedded cluster of its own and removes it. Everything is run in
turns (A B A B …); told are medians with the shortest and longest run. Milliseconds of one machine
say little, so targets are ratios, or times over a bare `python -c pass`. bench/RESULTS.md keeps the table.
"""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import endpoints, files, scale
from bench.api_server import World, serving
from bench.imports import imports
from bench.shards import dials
from bench.table import row, table, write
from bench.timing import Command, Times, in_turns, once, shown
from tests.cluster import api
from tests.cluster.gobuild import kubernetes
from tools import shop

NAME = "refused-bench"
BIN = Path(sys.executable).parent
REFUSED = str(BIN / "kubectl-refused")
COMPLETE = str(BIN / "kubectl_complete-refused")
TARGET = ("svc/catalog", "-n", shop.NAMESPACE)
RESULTS = Path(__file__).parent / "RESULTS.md"
PARTS = ("starts", "shards", "imports", "files", "scale", "cluster")
SLOW_ROUNDS = 3
# Numbers of pods between which the number of reads must not differ, but for the pages of one list.
FEW, MANY = 2, 2000


def main(words: Sequence[str]) -> int:
    """Measure and print; 0 unless something could not be measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these")
    parser.add_argument("--services", type=int, nargs="+", default=scale.SIZES, help="of the clusters of objects")
    parser.add_argument("--kubeconfig", type=Path, help="an existing cluster with manifests/demo applied")
    parser.add_argument("--kubectl", default="kubectl", help="the words that run kubectl there")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", action="store_true", help="keep the cluster")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the table goes")
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="refused-bench-") as folder:
        measure(arguments, Path(folder))
    write(arguments.results, "make bench", f"{datetime.now(UTC):%Y-%m-%d}")
    print(f"\n{table()}\n{arguments.results} holds it.")
    return 0


def measure(arguments: argparse.Namespace, scratch: Path) -> None:
    """All parts that were asked for, the quick ones first."""
    environment = {**os.environ, "HOME": str(scratch), "KUBECONFIG": os.devnull}
    if "starts" in arguments.parts:
        starts(environment, arguments.rounds)
        addresses(environment, arguments.rounds)
        requests(environment, scratch, arguments.rounds)
    if "shards" in arguments.parts:
        dials()
    if "imports" in arguments.parts:
        imports(environment, scratch)
    if "files" in arguments.parts:
        files.compare(scratch)
    if "scale" in arguments.parts:
        scale.compare_sizes(arguments.services, min(arguments.rounds, SLOW_ROUNDS))
    if "cluster" in arguments.parts:
        with cluster(arguments, scratch) as (kubeconfig, kubectl):
            there = {**environment, "KUBECONFIG": str(kubeconfig)}
            diagnoses(there, kubectl, arguments.rounds)
            own = None if arguments.kubeconfig else api.find(NAME)
            if own:  # who made the cluster may change its network
                endpoints.compare(own, there)


def starts(environment: dict[str, str], rounds: int) -> None:
    """What each path costs before it does anything, over a bare Python."""
    bare, version, completion, manual = in_turns(
        [
            Command("python -c pass", [sys.executable, "-c", "pass"], environment),
            Command("--version", [REFUSED, "--version"], environment),
            Command("completion of --pro", [COMPLETE, "--pro"], environment),
            Command("--help", [REFUSED, "--help"], environment),
        ],
        rounds,
    )
    row("python -c pass", bare.spread)
    for times, goal in ((version, 0.040), (completion, 0.040), (manual, 0.150)):
        over(times, bare, goal)


def addresses(environment: dict[str, str], rounds: int) -> None:
    """A host and port on loopback, dialled in less than a millisecond: one that accepts, one that is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        taken, free = (one.getsockname()[1] for one in (server, closed))
        closed.close()
        bare, *both = in_turns(
            [
                Command("python -c pass", [sys.executable, "-c", "pass"], environment),
                Command("HOST:PORT, accepts", [REFUSED, f"127.0.0.1:{taken}"], environment),
                Command("HOST:PORT, closed", [REFUSED, f"127.0.0.1:{free}"], environment, (1, 3)),
            ],
            rounds,
        )
    for times in both:
        over(times, bare, 0.150)


def over(times: Times, bare: Times, goal: float) -> None:
    """A row about time over the bare start."""
    extra = times.median - bare.median
    row(times.name, times.spread, f"python {shown(bare.median)}", None, f"python + {shown(goal)}", extra <= goal)


def requests(environment: dict[str, str], scratch: Path, rounds: int) -> None:
    """When the first request is on the wire, and how many there are."""
    world = World(FEW)
    with serving(world, scratch) as kubeconfig:
        first = first_request(world, {**environment, "KUBECONFIG": str(kubeconfig)}, rounds)
    bare = in_turns([Command("python -c pass", [sys.executable, "-c", "pass"], environment)], rounds)[0]
    over(first, bare, 0.300)
    for text, pods, selected in (
        (f"reads, healthy, {FEW} pods", FEW, True),
        (f"reads, healthy, {MANY} pods", MANY, True),
        ("reads, selector typo", FEW, False),
    ):
        world = World(pods, selected=selected)
        with serving(world, scratch) as kubeconfig:
            once(diagnosis("none", {**environment, "KUBECONFIG": str(kubeconfig)}, ("svc/web", "-n", "bench")))
        reads = [path for path in world.asked if "continue=" not in path]
        pages = len(world.asked) - len(reads)
        more = f" and {pages} more pages" if pages else ""
        row(text, f"{len(reads)}{more}", "", None, "6", len(reads) <= 6)


def first_request(world: World, environment: dict[str, str], rounds: int) -> Times:
    """Seconds from the start of the process to its first request at the server."""
    taken = []
    for _ in range(rounds + 1):
        world.arrivals.clear()
        began = time.perf_counter()
        once(diagnosis("none", environment, ("svc/web", "-n", "bench")))
        taken.append(world.arrivals[0] - began)
    return Times("first API request", tuple(taken[1:]))


def diagnosis(depth: str, environment: dict[str, str], target: Sequence[str] = TARGET) -> Command:
    """One diagnosis as data; any verdict will do."""
    argv = [REFUSED, *target, "--probe", depth, "-o", "json"]
    return Command(f"refused --probe {depth}", argv, environment, (0, 1, 3))


def diagnoses(environment: dict[str, str], kubectl: Sequence[str], rounds: int) -> None:
    """Whole diagnoses of a healthy Service, beside one kubectl that reads the same objects."""
    argv = [*kubectl, "get", "svc,endpointslices,pods", "-n", shop.NAMESPACE, "-o", "json"]
    get = Command("kubectl get svc,endpointslices,pods", argv, environment)
    bare, none, passive = in_turns(
        [get, diagnosis("none", environment), diagnosis("passive", environment)], rounds
    )
    theirs, ratio = f"kubectl get {bare.spread}", none.median / bare.median
    row(none.name, none.spread, theirs, ratio, "1.5 ×", ratio <= 1.5)
    row(passive.name, passive.spread, theirs, passive.median / bare.median)
    (pods,) = in_turns([diagnosis("pods", environment)], SLOW_ROUNDS)
    row(f"{pods.name} (the default)", pods.spread, "", None, "4 s", pods.median <= 4)


@contextmanager
def cluster(arguments: argparse.Namespace, scratch: Path) -> Iterator[tuple[Path, list[str]]]:
    """A kubeconfig and the words of kubectl, for a cluster with the shop's healthy Services."""
    if arguments.kubeconfig:
        yield arguments.kubeconfig.absolute(), shlex.split(arguments.kubectl)
        return
    try:
        made = api.up(api.ClusterOptions(name=NAME))
        made.kubectl("apply", "-f", str(shop.DEMO / "00-namespaces.yaml"))
        for service in ("catalog", "search"):
            made.kubectl("apply", "-f", str(next(shop.DEMO.glob(f"*-{service}-*.yaml"))))
        rows = [row for row in shop.expected() if row.service in ("catalog", "search")]
        late = shop.await_states(lambda *words: made.kubectl(*words).stdout, rows)
        if late:
            raise RuntimeError(f"not ready: {', '.join(late)}")
        yield made.kubeconfig, [str(kubernetes()), "kubectl"]
    finally:
        if not arguments.keep:
            api.down(NAME)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
