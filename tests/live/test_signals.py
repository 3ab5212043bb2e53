"""Ctrl-C, SIGTERM and kill -9 at telling moments of a run: exit code, one line, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .small_shop import OURS, assert_nothing_left, deployment, furnish
from .tool import RUN_SECONDS, refused
from .witness_shop import service, shell

MOMENT_SECONDS = 60.0
# DEADLINE of cli/supervise.py, and as much again for a busy machine.
LEAVES_SECONDS = 15.0
SIGNALS = [
    pytest.param(signal.SIGINT, 130, "interrupted", id="SIGINT"),
    pytest.param(signal.SIGTERM, 143, "ended by SIGTERM", id="SIGTERM"),
]
# A shell that takes its time, so that an exec lasts; it says so in the container's log.
SLOW = "#!/usr/bin/busybox ash\\necho reading >/proc/1/fd/1\\nexec sleep 30\\n"
REPLACED = f"rm /usr/bin/sh; printf '{SLOW}' >/usr/bin/sh; chmod +x /usr/bin/sh; exec httpd -f -p 127.0.0.1:8080"
SLOW_SHELL = (deployment("slow", shell(REPLACED)), service("slow", {"app": "slow"}, 80, 8080))


@contextmanager
def started(kubeconfig: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A run in the background; killed at the end of the block if it is still there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kubectl_refused", "--kubeconfig", str(kubeconfig), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KUBECONFIG": os.devnull, "NO_COLOR": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=RUN_SECONDS)


def when(moment: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for the moment; the run must last that long."""
    deadline = time.monotonic() + MOMENT_SECONDS
    while not moment():
        assert process.poll() is None, f"it ended before: {process.communicate()}"
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.02)


def ends(process: subprocess.Popen[str], number: int, code: int, how: str) -> None:
    """Send the signal; the run leaves with its code and one line, and soon."""
    process.send_signal(number)
    begin = time.monotonic()
    out, errors = process.communicate(timeout=RUN_SECONDS)
    assert (process.returncode, out, errors) == (code, "", f"{how}; nothing is left behind\n")
    assert time.monotonic() - begin < LEAVES_SECONDS


def jobs(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """Our Jobs."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs?labelSelector={OURS}"
    found: list[dict[str, Any]] = cluster.client().call("GET", path)["items"]
    return found


def probe_runs(cluster: Cluster, namespace: str) -> bool:
    """Whether a probe pod of ours runs."""
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={OURS}"
    return any(p["status"].get("phase") == "Running" for p in cluster.client().call("GET", path)["items"])


@pytest.mark.parametrize(("number", "code", "how"), SIGNALS)
def test_while_the_probe_pod_is_pending(cluster: Cluster, shop: str, number: int, code: int, how: str) -> None:
    with started(cluster.kubeconfig, "svc/web", "-n", shop) as process:
        when(lambda: jobs(cluster, shop), process)
        ends(process, number, code, how)
    assert_nothing_left(cluster, shop)


@pytest.mark.parametrize(("number", "code", "how"), SIGNALS)
def test_while_it_dials(cluster: Cluster, shop: str, number: int, code: int, how: str) -> None:
    # The policy drops the packets, so the dials take their whole time-out of four seconds.
    with started(cluster.kubeconfig, "svc/closed", "-n", shop) as process:
        when(lambda: probe_runs(cluster, shop), process)
        ends(process, number, code, how)
    assert_nothing_left(cluster, shop)


@pytest.mark.parametrize(("number", "code", "how"), SIGNALS)
def test_while_it_reads_sockets_by_exec(
    cluster: Cluster, namespace: str, number: int, code: int, how: str
) -> None:
    furnish(cluster, namespace, [SLOW_SHELL])
    with started(cluster.kubeconfig, "svc/slow", "-n", namespace) as process:
        when(lambda: "reading" in log_of(cluster, namespace), process)
        ends(process, number, code, how)
    assert_nothing_left(cluster, namespace)


@pytest.mark.parametrize(("number", "code", "how"), SIGNALS)
def test_while_the_first_answer_is_awaited(cluster: Cluster, number: int, code: int, how: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(MOMENT_SECONDS)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with started(cluster.kubeconfig, "svc/web", "-s", address) as process, server.accept()[0]:
            ends(process, number, code, how)


@pytest.mark.parametrize(("number", "code", "how"), SIGNALS)
def test_at_any_moment(cluster: Cluster, shop: str, number: int, code: int, how: str) -> None:
    """While objects are read, the Job is made, the fix is tried, all is removed: wherever these moments fall."""
    for pause in (0.0, 0.4, 0.8, 1.2, 1.8):
        with started(cluster.kubeconfig, "svc/wrong", "-n", shop, "-o", "name") as process:
            when(partial(handles, process.pid), process)
            time.sleep(pause)
            process.send_signal(number)
            out, errors = process.communicate(timeout=RUN_SECONDS)
        quicker = (process.returncode, out, errors) == (1, "svc/wrong KR401/wrong-target-port\n", "")
        assert quicker or (process.returncode, errors) == (code, f"{how}; nothing is left behind\n"), (pause, out)
    assert_nothing_left(cluster, shop)


def test_kill_9_leaves_what_the_cluster_removes_by_itself(cluster: Cluster, shop: str) -> None:
    with started(cluster.kubeconfig, "svc/closed", "-n", shop) as process:
        when(lambda: probe_runs(cluster, shop), process)
        process.kill()
    (job,) = jobs(cluster, shop)
    spec = job["spec"]
    # In two and a half minutes all is over; the test turns the same two screws to wait for seconds instead.
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (120, 30)
    path = f"/apis/batch/v1/namespaces/{shop}/jobs/{job['metadata']['name']}"
    cluster.client().call("PATCH", path, {"spec": {"activeDeadlineSeconds": 1, "ttlSecondsAfterFinished": 1}})
    assert_nothing_left(cluster, shop, within=60.0)


def test_cleanup_removes_what_a_killed_run_left(cluster: Cluster, shop: str) -> None:
    with started(cluster.kubeconfig, "svc/closed", "-n", shop) as process:
        when(lambda: probe_runs(cluster, shop), process)
        process.kill()
    young = refused(cluster.kubeconfig, "cleanup", "-n", shop)
    assert (young.code, "may be in use" in young.out) == (0, True), young
    gone = refused(cluster.kubeconfig, "cleanup", "--all", "-n", shop)
    assert (gone.code, gone.out.endswith(" deleted\n")) == (0, True), gone
    assert_nothing_left(cluster, shop)


def log_of(cluster: Cluster, namespace: str) -> str:
    """The log of the pod with the slow shell."""
    return cluster.kubectl("logs", "deployment/slow", "-n", namespace).stdout


def handles(pid: int) -> bool:
    """Whether the process has the supervisor's handlers: SIGTERM's, as Python itself handles SIGINT."""
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)
