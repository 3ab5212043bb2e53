"""--wait and --watch over HTTP: what wakes them, what they say meanwhile, and how they end."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kubectl_refused.cli.options import DIAGNOSIS, SCAN
from kubectl_refused.cli.request import request_of
from kubectl_refused.cli.run import DiagnosisJob
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.cli.scanning import ScanJob
from kubectl_refused.errors import UsageProblem

from .fake_cluster import FakeCluster, behind, service
from .tool import environment

SECONDS = 30.0


def job(cluster: FakeCluster, wait: str, *, scan: bool = False) -> tuple[DiagnosisJob, io.StringIO]:
    """svc/web, or all of namespace shop, looked at by its objects."""
    values = {"server": cluster.api.address, "token": "x", "namespace": "shop", "probe": "none", "wait": wait}
    out = io.StringIO()
    if scan:
        return ScanJob(scan_request_of(values, SCAN), out), out
    return DiagnosisJob(request_of(["svc/web"], values, DIAGNOSIS), out), out


def until(true: Callable[[], bool]) -> None:
    """Wait for a state."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("scan", [False, True])
@pytest.mark.parametrize("gone", [0, 3])
def test_it_ends_with_0_as_soon_as_it_works(scan: bool, gone: int, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster(service("web"), *behind("web", ready=False))
    cluster.gone = gone
    with cluster.serving():
        waiting, out = job(cluster, "30s", scan=scan)
        codes: list[int] = []
        thread = threading.Thread(target=lambda: codes.append(waiting.work()), daemon=True)
        thread.start()
        until(lambda: len(cluster.watches) >= 3 + gone and len(cluster.lists) > 2)
        cluster.become(service("web"), *behind("web"))
        thread.join(SECONDS)
    assert codes == [0]
    assert "shows no fault" in out.getvalue() or "works" in out.getvalue()
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("waiting: ") for line in said)
    reasons = [line for line in said if line.startswith("waiting: ")]
    assert len(reasons) == len(dict.fromkeys(reasons)), "a line for each change of the reason"


def test_at_the_deadline_it_gives_the_diagnosis(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeCluster().serving() as cluster:
        waiting, out = job(cluster, "1s")
        assert waiting.work() == 1
    assert "KR101" in out.getvalue()
    assert "waiting: svc/web: " in capsys.readouterr().err


def test_where_nothing_may_be_watched_it_looks_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster(service("web"), *behind("web", ready=False))
    cluster.watchable = False
    with cluster.serving():
        waiting, _ = job(cluster, "2s")
        assert waiting.work() != 0
    assert "a watch is refused" in capsys.readouterr().err


def test_watching_tells_it_anew_when_it_changes(tmp_path: Path) -> None:
    with FakeCluster(service("web"), *behind("web", ready=False)).serving() as cluster:
        flags = ["-s", cluster.api.address, "--token=x", "-n", "shop", "--probe=none", "-o", "name"]
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_refused", "svc/web", "--watch", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("svc/web ")
        cluster.become()
        assert process.stdout.readline() == "svc/web KR101/no-such-service\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (130, "")


@pytest.mark.parametrize(
    "words", [["svc/web", "--wait", "5m"], ["scan", "--wait=5m"], ["svc/web", "--watch"], ["scan", "-w"]]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once(words: list[str], number: signal.Signals, tmp_path: Path) -> None:
    with FakeCluster(service("web"), *behind("web", ready=False)).serving() as cluster:
        flags = ["-s", cluster.api.address, "--token=x", "-n", "shop", "--probe=none"]
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_refused", *words, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
        )
        until(lambda: len(cluster.watches) >= 3)
        process.send_signal(number)
        _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + number
    assert told.splitlines()[-1].endswith("nothing is left behind")
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"wait": "5m", "fix": True}, "--wait and --fix do not go together"),
        ({"watch": True, "dry_run": True}, "--watch and --dry-run do not go together"),
        ({"wait": "5m", "filename": ["x.yaml"]}, "--wait is of a cluster, and -f reads files"),
        ({"wait": "9999999h"}, "is longer than a week"),
    ],
)
def test_what_does_not_go_together(values: dict[str, object], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        request_of(["svc/web"], values, DIAGNOSIS)
    assert says in caught.value.message
