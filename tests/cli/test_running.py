"""`run` and `-` from the command line, over HTTP: what is watched, told and asked, and the exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.running import FREE, ReadAlong

from .fake_cluster import FakeCluster, behind, service
from .tool import SECONDS, environment, run

ITSELF = "a loopback address: the client asks itself, and nothing of the cluster"
ERROR = "dial tcp 10.96.0.7:80: connect: connection refused"


def where(cluster: FakeCluster) -> list[str]:
    return ["-s", cluster.api.address, "--token", "x", "-n", "shop", "--probe", "none"]


def report_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_start_up_race_is_told_though_it_has_healed(tmp_path: Path) -> None:
    told, flag = tmp_path / "told.json", tmp_path / "end"
    script = f"echo '{ERROR}' >&2; echo begun; while [ ! -e {flag} ]; do sleep 0.05; done; exit 3"
    with FakeCluster(service("web"), *behind("web", ready=False)).serving() as cluster:
        words = ["run", *where(cluster), "--report", f"json={told}", "--", "sh", "-c", script]
        with subprocess.Popen(
            [sys.executable, "-m", "kubectl_refused", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path),
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            pod, part = behind("web")
            pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
            cluster.become(service("web"), pod, part)
            while len(cluster.watches) < 4:  # one of each kind is open: it tells all that is there
                assert process.poll() is None
                time.sleep(0.02)
            flag.touch()
            _, err = process.communicate(timeout=SECONDS)
    report = report_of(told)
    (refusal,) = report["refusals"]
    assert (process.returncode, refusal["cause"], refusal["named"]) == (3, "start-up", True), err
    assert (refusal["start"], refusal["end"] is not None) == (-1.0, True)
    assert (report["works"], report["exitCode"], report["command"][0]) == (["svc/web:80"], 3, "sh")
    assert "from the beginning to" in err
    assert "--wait 2m" in " ".join(err.split())
    assert [moment["what"] for moment in report["timeline"]][-1] == "the command"


def test_success_says_nothing_and_writes_its_report(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        done = run(tmp_path, "run", *where(cluster), "--report", f"json={told}", "--", "echo", ERROR)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{ERROR}\n", "")
    assert (report_of(told)["mentions"][0]["target"], report_of(told)["items"]) == ("svc/web:80", [])


def test_what_is_still_broken_is_diagnosed(tmp_path: Path) -> None:
    typo = service("web") | {
        "spec": {"clusterIP": "10.96.0.7", "selector": {"app": "wbe"}, "ports": [{"port": 80}]}
    }
    with FakeCluster(typo).serving() as cluster:
        done = run(tmp_path, "run", *where(cluster), "--", "sh", "-c", f"echo '{ERROR}'; exit 1")
    assert done.returncode == 1
    assert "svc/web does not work" in done.stderr
    assert "KR201" in done.stderr


def test_a_failure_of_its_own_takes_a_line(tmp_path: Path) -> None:
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        done = run(tmp_path, "run", *where(cluster), "--", "false")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("· false exits with 1 after")
    assert "no failed connection" in " ".join(done.stderr.split())


def test_secrets_of_the_command_line_are_masked(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with FakeCluster().serving() as cluster:
        run(
            tmp_path,
            "run",
            *where(cluster),
            "--report",
            f"json={told}",
            "--",
            "true",
            "--password=hunter22",
            "--token",
            "hunter22",
        )
    assert "hunter22" not in told.read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run"], "stands behind two dashes"),
        (["run", "go", "test"], "stands behind two dashes"),
        (["run", "--"], "no command stands behind the dashes"),
        (["run", "go", "--", "test"], "refused run -- go test"),
        (["run", "-o", "json", "--", "true"], "there is no option -o"),
        (["run", "--report", "json=/no/such/folder/x", "--", "touch", "started"], "there is no folder"),
        (["run", "-n", "No", "--", "touch", "started"], "no namespace name"),
        (["-", "svc/web"], "takes no name"),
    ],
)
def test_wrong_usage_starts_nothing(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(tmp_path, *words)
    assert (done.returncode, says in done.stderr, len(done.stderr.splitlines())) == (2, True, 1), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "code", "means"),
    [
        (ERROR, 0, ["svc/web"]),
        ("Error: connect ECONNREFUSED 10.0.0.1:8080", 0, ["pod/web-1"]),
        (f"{ERROR}\ndial tcp 10.9.9.9:80: i/o timeout", 3, ["svc/web", ""]),
        ("dial tcp 127.0.0.1:80: connection refused", 3, [ITSELF]),
        ("nothing to see here", 3, []),
        ("dial tcp absent.shop.svc:80: connection refused", 1, ["svc/absent"]),
    ],
)  # fmt: skip
def test_a_text_on_stdin(text: str, code: int, means: list[str], tmp_path: Path) -> None:
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        done = run(tmp_path, "-", *where(cluster), "-o", "json", stdin=text)
    report = json.loads(done.stdout)
    assert (done.returncode, [one["means"] for one in report["mentions"]]) == (code, means), done.stdout
    assert (report["command"], report["exitCode"], report["timeline"]) == ([], None, [])
    assert {one["first"] for one in report["mentions"]} <= {None}


def test_an_empty_text_is_wrong_usage(tmp_path: Path) -> None:
    done = run(tmp_path, "-")
    assert (done.returncode, done.stderr) == (
        2, "error: the text on stdin is empty; type kubectl logs POD | kubectl refused -\n"
    )  # fmt: skip


def test_reading_along_takes_its_part_of_the_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = ReadAlong()
    reading.take(b"dial tcp 10.96.0.7:80: connection refused\n")
    monkeypatch.setattr(reading, "_spent", FREE + 1000.0)
    reading.take(b"dial tcp 10.96.0.8:80: connection refused\n")
    assert (len(reading.text.end()), reading.skipped) == (1, 42)
