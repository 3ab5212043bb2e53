"""`scan -f`: every Service in manifest files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_run import SHOP
from .tool import run

MORE = """---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other, labels: {a: b}}
spec: {type: ExternalName, externalName: db.example}
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP + MORE)
    return str(file)


def test_the_table_and_what_only_a_cluster_tells(shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "scan", "-f", shop, "-o", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["kind"], report["depth"], report["complete"]) == (1, "Scan", "objects", True)
    rows = [(row["namespace"], row["target"], row["state"], row["code"]) for row in report["rows"]]
    assert rows == [
        ("shop", "svc/cart", "broken", "KR201"),
        ("shop", "svc/web", "works", ""),
        ("other", "svc/web", "idle", ""),
    ]
    assert [gap["because"] for gap in report["gaps"]] == ["only a live cluster tells"]
    source = report["items"][0]["root"]["source"]
    assert "app: kart" in SHOP.splitlines()[source["line"] - 1]


def test_a_namespace_labels_and_rules(shop: str, tmp_path: Path) -> None:
    assert "svc/cart" not in run(tmp_path, "scan", "-f", shop, "-n", "other").stdout
    done = run(tmp_path, "scan", "-f", shop, "-l", "a in (b,c)", "-o", "name")
    assert (done.returncode, done.stdout.split()[0], done.stdout.count("\n")) == (0, "svc/web", 1)
    assert run(tmp_path, "scan", "-f", shop, "--ignore", "KR201").returncode == 0
    folder = run(tmp_path, "scan", "-R", "-f", str(tmp_path), "-o", "sarif")
    (result,) = json.loads(folder.stdout)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert result["ruleId"] == "KR201"
    assert "app: kart" in SHOP.splitlines()[place["region"]["startLine"] - 1]
    piped = run(tmp_path, "scan", "-f", "-", stdin=Path(shop).read_text())
    assert piped.returncode == 1
    assert "KR201" in piped.stdout


def test_what_is_there_twice_leaves_the_others_judged(shop: str, tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\n"
                                         "spec: {selector: {app: web}, ports: [{port: 81}]}\n")  # fmt: skip
    done = run(tmp_path, "scan", "-f", str(tmp_path))
    assert done.returncode == 0
    assert "defines it again, and the last one counts; remove one of the two" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--wait", "2m"], "--wait is of a cluster, and -f reads files"),
        (["--watch"], "--watch is of a cluster, and -f reads files"),
        (["--from", "here"], "--from needs a cluster, and -f reads files"),
        (["-l", "a+b"], "'a+b' selects nothing by a label"),
    ],
)
def test_wrong_usage(words: list[str], says: str, shop: str, tmp_path: Path) -> None:
    done = run(tmp_path, "scan", "-f", shop, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
