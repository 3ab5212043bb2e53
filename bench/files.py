"""`scan -f` beside kube-score on the same Deployments and Services, and what each found there."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.manifests import faults, manifests
from bench.scale import Cost, cost_of
from bench.table import row
from bench.timing import shown
from tests.cluster.cache import once
from tests.cluster.gobuild import go_build, source_key

SOURCE = Path(__file__).parent / "kubescore"
PACKAGE = "github.com/zegl/kube-score/cmd/kube-score"
REFUSED = str(Path(sys.executable).parent / "kubectl-refused")
SIZES = (2_000, 10_000)
SHARE = {2_000: 1.0, 10_000: 0.2}  # of kube-score's time, which is quadratic
MOST_MEGABYTES = 200.0
SECONDS = 900.0


def kube_score() -> Path:
    """The program, built from its Go module."""

    def make(fresh: Path) -> None:
        go_build(SOURCE, fresh / "kube-score", "-s -w", PACKAGE)

    return once("kube-score", source_key(SOURCE), make) / "kube-score"


def compare(folder: Path, sizes: Sequence[int] = SIZES) -> None:
    """Rows for each size, how ours grows, and what both found in the smaller file."""
    program = kube_score()
    costs: list[Cost] = []
    for services in sizes:
        file = folder / f"{services}.yaml"
        file.write_text("".join(manifests(services)))
        costs.append(_both(file, services, program))
    if len(sizes) > 1:
        exponent = math.log(costs[-1].cpu / costs[0].cpu) / math.log(sizes[-1] / sizes[0])
        row("scan -f, growth of processor time, exponent", f"{exponent:.2f}", "", None, "1.1", exponent <= 1.1)
    _found(folder / f"{sizes[0]}.yaml", sizes[0], program)


def _both(file: Path, services: int, program: Path) -> Cost:
    environment = dict(os.environ)
    size = f"{services} Deployments and {services} Services, {file.stat().st_size / 1e6:.1f} MB"
    theirs = cost_of([str(program), "score", str(file)], environment, (0, 1))
    ours = cost_of([REFUSED, "scan", "-f", str(file), "-o", "json"], environment, (0, 1))
    share = SHARE.get(services, 1.0)
    ratio = ours.wall / theirs.wall
    others = f"kube-score {shown(theirs.wall)}"
    row(f"scan -f, {size}: wall time", shown(ours.wall), others, ratio, f"{share} ×", ratio <= share)
    ratio = ours.cpu / theirs.cpu
    row("  processor time", shown(ours.cpu), f"kube-score {shown(theirs.cpu)}", ratio)
    memory = ours.megabytes / theirs.megabytes
    small = ours.megabytes <= MOST_MEGABYTES
    peak = f"kube-score {theirs.megabytes:.0f} MB"
    row("  peak memory", f"{ours.megabytes:.0f} MB", peak, memory, f"{MOST_MEGABYTES:.0f} MB", small)
    return ours


def _found(file: Path, services: int, program: Path) -> None:
    """Services that cannot work: how many there are, and how many each has found."""
    ours = json.loads(_output([REFUSED, "scan", "-f", str(file), "-o", "json"]))
    causes = [one["name"] for one in ours["rows"] if one["state"] == "broken"]
    theirs = json.loads(_output([str(program), "score", "-o", "json", str(file)]))
    critical = sum(_is_critical(check) for one in theirs for check in one.get("checks") or ())
    there = faults(services)
    told = ", ".join(f"{causes.count(name)} {name}" for name in sorted(set(causes)))
    row(
        f"scan -f, of {there} Services that cannot work, found",
        f"{len(causes)}: {told}",
        f"kube-score {critical} (its check service-targets-pod)",
        None,
        str(there),
        len(causes) == there,
    )


def _is_critical(check: dict[str, Any]) -> bool:
    return bool(check["check"]["id"] == "service-targets-pod" and check.get("grade") == 1)


def _output(argv: Sequence[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False).stdout
