"""A scan from the command line, over HTTP: what it asks, what it says, and its exit code."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.command import choose
from kubectl_refused.cli.options import SCAN
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.cli.scanning import ScanJob
from kubectl_refused.errors import UsageProblem

from .fake_cluster import FakeCluster, behind, service
from .tool import run

WEB = [service("web"), *behind("web")]
TYPO = service("typo", uid="2") | {
    "spec": {"clusterIP": "10.96.0.8", "selector": {"app": "wbe"}, "ports": [{"port": 80}]}
}
LISTS = [
    "/api/v1/namespaces/shop/pods",
    "/api/v1/namespaces/shop/services",
    "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
]


def scan(cluster: FakeCluster, **values: Any) -> tuple[int, str]:
    """Exit code and output of a scan of namespace shop that dials nothing."""
    given = {"server": cluster.api.address, "token": "x", "namespace": "shop", "probe": "none", **values}
    out = io.StringIO()
    code = ScanJob(scan_request_of(given, SCAN), out).work()
    return code, out.getvalue()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of rules but the test's own, and no kubeconfig."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def test_the_word_chooses_it_and_options_before_it_too() -> None:
    for words in (
        ["scan"],
        ["-n", "shop", "scan"],
        ["-l", "app=web", "scan", "-A"],
        ["--ignore", "KR403", "scan"],
    ):
        command, rest = choose(words)
        assert (command.name, rest) == ("scan", [word for word in words if word != "scan"])


@pytest.mark.parametrize("number", [5, 600])
def test_what_works_costs_three_lists_however_many_there_are(number: int) -> None:
    many = [
        one
        for n in range(number)
        for one in (service(f"web-{n}"), *behind(f"web-{n}", address=f"10.1.{n % 250}.{n // 250 + 1}"))
    ]
    with FakeCluster(*many).serving() as cluster:
        code, told = scan(cluster, output="name")
        assert sorted(cluster.lists) == sorted(LISTS)
        assert len(cluster.api.seen) == 3
    assert (code, len(told.splitlines())) == (0, number)


def test_one_is_broken(tmp_path: Path) -> None:
    with FakeCluster(*WEB, TYPO).serving() as cluster:
        code, told = scan(cluster, output="json")
    report = json.loads(told)
    assert (code, report["kind"], report["counts"]["broken"], report["counts"]["works"]) == (1, "Scan", 1, 1)
    assert [row["target"] for row in report["rows"]] == ["svc/typo", "svc/web"]
    assert [item["root"]["name"] for item in report["items"]] == ["selector-matches-nothing"]


@pytest.mark.parametrize(
    ("values", "by"),
    [
        ({"ignore": ["KR401,selector-matches-nothing"]}, "--ignore"),
        ({"config": "rules.yaml"}, "rules.yaml:2"),
        ({}, ".kubectl-refused.yaml:2"),
    ],
)
def test_it_is_ignored_and_listed(values: dict[str, Any], by: str, tmp_path: Path) -> None:
    name = values.get("config", ".kubectl-refused.yaml")
    if "ignore" not in values:
        Path(name).write_text("ignore:\n  - cause: KR201\n    service: ty*\n    reason: known\n")
    with FakeCluster(*WEB, TYPO).serving() as cluster:
        code, told = scan(cluster, output="json", **values)
    report = json.loads(told)
    assert (code, report["items"], report["counts"]["ignored"]) == (0, [], 1)
    (ignored,) = report["ignored"]
    assert (ignored["target"], ignored["finding"]["code"], ignored["finding"]["by"]) == ("svc/typo", "KR201", by)


def test_an_annotation_that_names_no_cause_is_told() -> None:
    marked = service("web", annotations={"refused.dev/ignore": "KR201, nonsense"})
    with FakeCluster(marked, *behind("web")).serving() as cluster:
        code, told = scan(cluster)
    assert code == 0
    assert "annotation of svc/web: 'nonsense' is no cause" in " ".join(told.split())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"ignore": ["KR9999"]}, "there is no cause 'KR9999' to ignore"),
        ({"ignore": ["listens-on-lopback"]}, "did you mean listens-on-loopback?"),
        ({"ignore": [""]}, "there is no cause '' to ignore"),
        ({"config": "absent.yaml"}, "absent.yaml cannot be read"),
        ({"fail_on": "sometimes"}, "--fail-on sometimes is not known; type --fail-on proved|likely|any"),
        ({"wait": "soon"}, "--wait soon is no duration"),
        ({"wait": "2m", "watch": True}, "--wait ends and --watch does not"),
    ],
)
def test_wrong_usage(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        scan_request_of(values, SCAN)
    assert says in caught.value.message


def test_a_namespace_that_is_misspelt_does_not_pass() -> None:
    with FakeCluster(*WEB).serving() as cluster:
        with pytest.raises(UsageProblem, match="there is no namespace 'shpo'; did you mean shop"):
            scan(cluster, namespace="shpo")
        cluster.become()
        code, told = scan(cluster)
    assert (code, told.splitlines()[0]) == (0, "· no Service")


def test_everywhere_with_labels() -> None:
    other = service("web", "till", labels={"tier": "front"})
    with FakeCluster(*WEB, other, *behind("web", "till"), namespaces=("shop", "till")).serving() as cluster:
        code, told = scan(cluster, all_namespaces=True, output="name")
        assert (code, told) == (0, "svc/web untried shop\nsvc/web untried till\n")
        assert scan(cluster, all_namespaces=True, selector="tier=front", output="name") == (
            0,
            "svc/web untried till\n",
        )


def test_as_a_process_lines_for_a_log_and_none_beside_data(tmp_path: Path) -> None:
    with FakeCluster(*WEB, TYPO).serving() as cluster:
        words = ("scan", "-s", cluster.api.address, "--token=x", "-n", "shop", "--probe=none")
        plain, data = run(tmp_path, *words), run(tmp_path, *words, "-o", "json")
        extra = run(tmp_path, *words, "svc/web")
    assert (plain.returncode, data.returncode) == (1, 1)
    assert plain.stderr.splitlines()[-1] == "scan: 1 of 2 Services are judged"
    assert "\x1b" not in plain.stdout + plain.stderr
    assert (data.stderr, json.loads(data.stdout)["kind"]) == ("", "Scan")
    assert (extra.returncode, extra.stdout, extra.stderr.count("\n")) == (2, "", 1)
