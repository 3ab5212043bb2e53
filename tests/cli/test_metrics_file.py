"""`scan --metrics-file`: written whole beside the report, checked before anything is read, never half."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.options import SCAN
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.errors import UsageProblem

from .fake_cluster import FakeCluster
from .test_scan import TYPO, WEB, scan
from .tool import run


def test_it_is_written_beside_the_report(tmp_path: Path) -> None:
    file = tmp_path / "refused.prom"
    file.write_text("old\n")
    with FakeCluster(*WEB, TYPO).serving() as cluster:
        code, told = scan(cluster, output="name", metrics_file=str(file))
    assert code == 1
    assert "svc/typo KR201/selector-matches-nothing shop" in told.splitlines()
    lines = file.read_text().splitlines()
    assert 'refused_services{cause="selector-matches-nothing",code="KR201",namespace="shop"} 1.0' in lines
    assert 'refused_scan_services{state="works"} 1.0' in lines
    assert stat.S_IMODE(file.stat().st_mode) & stat.S_IRUSR
    assert [one.name for one in tmp_path.iterdir()] == ["refused.prom"]


def test_files_can_be_told_so_too(tmp_path: Path) -> None:
    manifest = tmp_path / "web.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n"
    )
    done = run(tmp_path, "scan", "-f", str(manifest), "--metrics-file", str(tmp_path / "m.prom"), "-o", "name")
    assert (done.returncode, done.stderr) == (1, "")
    assert 'cause="selector-matches-nothing"' in (tmp_path / "m.prom").read_text()


def test_a_scan_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "refused.prom"
    file.write_text("old\n")
    done = run(tmp_path, "scan", "-s", "http://127.0.0.1:1", "--probe=none", "--metrics-file", str(file))
    assert done.returncode == 4
    assert file.read_text() == "old\n"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"metrics_file": ""}, "--metrics-file '' names no file; type --metrics-file FILE"),
        ({"metrics_file": "-"}, "--metrics-file '-' names no file"),
        ({"metrics_file": "./a", "reports": ["json=a"]}, "--metrics-file and --report name ./a"),
    ],
)
def test_wrong_usage(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        scan_request_of(values, SCAN)
    assert says in caught.value.message


def test_what_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with FakeCluster(*WEB).serving() as cluster:
        with pytest.raises(UsageProblem, match=r"cannot be written: it is a folder"):
            scan(cluster, metrics_file=str(tmp_path))
        assert cluster.api.seen == []
