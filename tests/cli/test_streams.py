"""Data on stdout, problems on stderr, and readers that stop reading: in every command and format."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli import start
from kubectl_refused.cli.command import names
from kubectl_refused.cli.options import OUTPUTS
from tests.connection.fake_api import Answer, Seen, serving

from .fake_cluster import FakeCluster, behind, service
from .tool import environment

MANY = 12  # Services, told in more bytes than a buffer holds
SECONDS = 60.0


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("manifests") / "many.json"
    items = [{"apiVersion": "v1", **service(f"web-{number}")} for number in range(MANY)]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return str(file)


def cut_off(home: Path, words: Sequence[str], stream: str = "stdout") -> tuple[int, str]:
    """The exit code, and the other stream, of a run whose reader has gone before anything is written."""
    read, write = os.pipe()
    os.close(read)
    other = "stderr" if stream == "stdout" else "stdout"
    where: dict[str, Any] = {stream: write, other: subprocess.PIPE}
    program = subprocess.Popen(
        [sys.executable, "-m", "kubectl_refused", *words], env=environment(home), text=True, **where
    )
    os.close(write)
    out, err = program.communicate(timeout=SECONDS)
    return program.returncode, (err if stream == "stdout" else out) or ""


@pytest.mark.parametrize("form", ["", *OUTPUTS])
def test_a_diagnosis_that_nobody_reads_ends_as_it_would(form: str, manifests: str, tmp_path: Path) -> None:
    words = ["-f", manifests, *(["-o", form] if form else [])]
    assert cut_off(tmp_path, words) == (1, "")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["scan", "--help"], 0),
        (["causes"], 0),
        (["causes", "-o", "json"], 0),
        (["causes", "-o", "wide"], 0),
        (["causes", "-o", "name"], 0),
        (["explain", "KR403", "KR201"], 0),
    ],
)
def test_pages_that_nobody_reads(words: list[str], code: int, tmp_path: Path) -> None:
    assert cut_off(tmp_path, words) == (code, "")


@pytest.mark.parametrize("form", ["", "name", "json", "html"])
def test_a_scan_that_nobody_reads(form: str, tmp_path: Path) -> None:
    with FakeCluster(*(service(f"web-{number}") for number in range(MANY))).serving() as fake:
        where = ["-s", fake.api.address, "--token", "t", "-n", "shop", "--probe", "none"]
        code, err = cut_off(tmp_path, ["scan", *where, *(["-o", form] if form else [])])
    assert code == 1
    assert all(line.startswith("scan: ") for line in err.splitlines()), "how far it is, and no problem"


def test_problems_that_nobody_reads(tmp_path: Path) -> None:
    for words in (["svc/a/b"], ["scan", "--bogus"], ["svc/web", "-s", "http://127.0.0.1:1"]):
        code, out = cut_off(tmp_path, words, "stderr")
        assert (code in (2, 4), out) == (True, ""), words


def test_a_watch_ends_when_its_reader_has_gone(tmp_path: Path) -> None:
    """Nobody would interrupt it."""
    with FakeCluster(service("web"), *behind("web")).serving() as fake:
        where = ["-s", fake.api.address, "--token", "t", "-n", "shop", "--probe", "none"]
        assert cut_off(tmp_path, ["svc/web", "--watch", *where]) == (0, "")


def test_a_clean_up_goes_on_when_nobody_reads(tmp_path: Path) -> None:
    deleted: list[str] = []

    def answers(seen: Seen) -> Answer:
        if seen.method == "DELETE":
            deleted.append(seen.path)
            return Answer(body={"kind": "Status", "status": "Success"})
        if not seen.path.endswith("/jobs"):
            return Answer(body={"items": []})
        meta: dict[str, Any] = {"namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"}
        own = {"app.kubernetes.io/managed-by": "kubectl-refused"}
        jobs = [
            {"metadata": {**meta, "name": f"refused-{n:08x}", "uid": f"u{n}", "labels": own}} for n in range(30)
        ]
        return Answer(body={"items": jobs})

    with serving(answers) as fake:
        where = ["-s", fake.address, "--token", "t", "-n", "shop"]
        assert cut_off(tmp_path, ["cleanup", *where]) == (0, "")
    assert len(deleted) == 30


@pytest.mark.parametrize("words", [["causes"], ["--version"], ["--help"], ["causes", "-o", "json"]])
def test_a_full_disk_is_a_problem(words: list[str], tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kubectl_refused", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            env=environment(tmp_path),
        )
    assert (done.returncode, done.stderr) == (
        70,
        "error: standard output was not written: No space left on device\n",
    )


@pytest.mark.parametrize("closed", ["1", "2"])
def test_closed_streams(closed: str, tmp_path: Path) -> None:
    script = f"{sys.executable} -m kubectl_refused causes {closed}>&-"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, timeout=SECONDS, env=environment(tmp_path)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("KR") is (closed == "2")


ODD = ["", "-", "--bogus", "-Z", "-n", "svc/a/b", "\x1b[31m", "--probe=some", "-o=xml", "web cart", "--as-uid"]


@pytest.mark.parametrize("name", ["", *names()])
@pytest.mark.parametrize("odd", ODD)
def test_a_problem_is_one_line_on_stderr_and_no_data(
    name: str, odd: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is odd, of whichever command."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"dial tcp 10.0.0.1:80: connection refused")))
    code = start._run([name, odd] if name else [odd])
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1), err
    assert err.startswith("error: "), err
    assert err.strip().isprintable(), err
    assert code in (2, 4)


@pytest.mark.parametrize("form", ["", *OUTPUTS])
def test_a_report_leaves_stderr_empty(form: str, manifests: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = start._run(["svc/web-1", "-f", manifests, *(["-o", form] if form else [])])
    out, err = capsys.readouterr()
    assert (code, err, bool(out)) == (1, "", True)
