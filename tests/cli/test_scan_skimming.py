"""`scan --skim`: the table of a whole scan, of few of the pods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.options import SCAN
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.errors import UsageProblem
from tests.crowds import crowded

from .fake_cluster import FakeCluster, behind, service
from .test_scan import scan
from .tool import run


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def told(cluster: FakeCluster, **values: Any) -> Any:
    code, text = scan(cluster, output="json", namespace=None, all_namespaces=True, **values)
    return {**json.loads(text), "code": code}


def test_it_tells_what_the_whole_scan_tells() -> None:
    with FakeCluster(*crowded(200)).serving() as cluster:
        whole = told(cluster)
        before = len(cluster.lists)
        skimmed = told(cluster, skim=True)
        asked = cluster.lists[before:]
    left = skimmed.pop("gaps")
    assert whole.pop("gaps") == []
    assert skimmed == whole
    assert (skimmed["code"], skimmed["counts"]["works"], len(skimmed["items"])) == (1, 194, 6)
    assert [(gap["because"], gap["remedy"]) for gap in left] == [
        ("by --skim their slices are enough", "leave --skim away")
    ]
    assert left[0]["what"].startswith("what the pods of 194 Services say")
    assert "/api/v1/pods" in asked  # the pods of other namespaces that a selector may mean
    assert len([path for path in asked if path.endswith("/pods") and "/namespaces/" in path]) <= 4


def test_with_nothing_odd_no_pod_is_read() -> None:
    with FakeCluster(*crowded(10)).serving() as cluster:
        skimmed = told(cluster, skim=True)
        assert [path for path in cluster.lists if path.endswith("pods")] == []
    assert (skimmed["code"], skimmed["counts"]["works"]) == (0, 10)


def test_of_nothing_there_is_nothing_to_say() -> None:
    with FakeCluster().serving() as cluster:
        skimmed = told(cluster, skim=True)
    assert (skimmed["code"], skimmed["rows"], skimmed["gaps"]) == (0, [], [])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"filename": ["web.yaml"]}, "--skim is of a cluster, whose pods are many; leave --skim away"),
        ({"probe": "passive"}, "--skim dials nothing, --probe passive does; leave one of them away"),
        ({"probe": "pods"}, "--skim dials nothing, --probe pods does; leave one of them away"),
        (
            {"standpoints": ["node/node1"]},
            "--skim dials nothing, and --from says from where to dial; leave one of them away",
        ),
        ({"wait": "30s"}, "--skim looks once, --wait does so again and again; leave one of them away"),
        ({"watch": True}, "--skim looks once, --watch does so again and again; leave one of them away"),
    ],
)
def test_wrong_usage(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        scan_request_of({"server": "http://127.0.0.1:1", "skim": True, **values}, SCAN)
    assert problem.value.message == says


def test_a_depth_that_is_typed_and_one_that_is_not(tmp_path: Path) -> None:
    """As a process, since what is built in counts there too."""
    with FakeCluster(service("web"), *behind("web")).serving() as cluster:
        words = ("scan", "--skim", "-s", cluster.api.address, "--token=x", "-n", "shop", "-o", "name")
        done = run(tmp_path, *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "svc/web untried shop\n", "")
        done = run(tmp_path, *words, "--probe=pods")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--skim dials nothing, --probe pods does" in done.stderr


def test_containers_have_no_slices(tmp_path: Path) -> None:
    done = run(tmp_path, "scan", "docker", "--skim")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--skim is of a cluster" in done.stderr
