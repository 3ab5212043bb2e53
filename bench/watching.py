"""A scan that goes on watching: what it holds, and what a change of one Service among thousands costs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from bench.control_plane import ControlPlane
from bench.table import row
from bench.timing import shown

REFUSED = str(Path(sys.executable).parent / "kubectl-refused")
SERVICE = "/api/v1/namespaces/team-000/services/web-00000"  # of a cluster that is thrown away afterwards
LONGEST = "10m"
TICKS = os.sysconf("SC_CLK_TCK")
MOST_MEGABYTES = 250.0


def watched(plane: ControlPlane, services: int) -> None:
    """Print the rows. Raises RuntimeError where the scan ends."""
    environment = {**os.environ, "HOME": str(plane.layout.state), "KUBECONFIG": str(plane.kubeconfig)}
    argv = [REFUSED, "scan", "-A", "--watch", "--probe", "none", "-o", "name", "--request-timeout", LONGEST]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        try:
            _told(child.stdout, services + 1)  # the API server's own Service is one more
            first = _cpu(child.pid)
            plane.client().delete(SERVICE)
            began = time.perf_counter()
            _told(child.stdout, services)
            took = time.perf_counter() - began
            again, peak = _cpu(child.pid) - first, _peak(child.pid)
        finally:
            child.terminate()
    what = f"scan -A --watch, {services} Services"
    row(f"{what}: processor time of one change", shown(again), f"the first look {shown(first)}", again / first)
    row("  from the change to its report", shown(took))
    row("  peak memory", f"{peak:.0f} MB", "", None, f"{MOST_MEGABYTES:.0f} MB", peak <= MOST_MEGABYTES)


def _told(out: IO[bytes], services: int) -> None:
    """Read one whole report."""
    for _ in range(services):
        if not out.readline():
            raise RuntimeError("the scan has ended")


def _cpu(process: int) -> float:
    """Seconds so far (proc_pid_stat(5): utime and stime are the 14th and 15th)."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def _peak(process: int) -> float:
    """Megabytes of memory at most so far."""
    text = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM"))
