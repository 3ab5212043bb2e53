"""Every output of a run against the real cluster: the same verdict in each, and the same bytes when run again."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from kubectl_refused.cli.options import OUTPUTS
from tests.cluster.api import Cluster

from .tool import Answer, refused
from .witness_shop import service

STEADY = ("junit", "sarif", "markdown", "html")
CODE = "KR201"


def told(cluster: Cluster, namespace: str, folder: Path) -> Answer:
    """A run that writes every format."""
    folder.mkdir()
    words = [word for name in OUTPUTS for word in ("--report", f"{name}={folder / name}")]
    return refused(cluster.kubeconfig, "svc/cart", "-n", namespace, "-o", "github", *words)


def test_one_run_tells_the_same_in_every_format(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    objects = {"apiVersion": "v1", "kind": "List", "items": [service("cart", {"app": "kart"}, 80, 8080)]}
    cluster.apply(json.dumps(objects), namespace=namespace)
    first = told(cluster, namespace, tmp_path / "first")
    assert first.code == 1, first
    assert "::error title=KR201 svc/cart%3A80 " in first.out
    assert all(CODE in (tmp_path / "first" / name).read_text() for name in OUTPUTS)
    suites = ElementTree.parse(tmp_path / "first" / "junit").getroot()
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("1", "1", "0")
    (result,) = json.loads((tmp_path / "first" / "sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (result["ruleId"], place) == (CODE, f"k8s/{namespace}/Service/cart")
    assert told(cluster, namespace, tmp_path / "second").code == 1
    for name in STEADY:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    scanned = refused(cluster.kubeconfig, "scan", "-n", namespace, "-o", "junit")
    assert scanned.code == 1, scanned
    assert [case.get("name") for case in ElementTree.fromstring(scanned.out).iter("testcase")] == ["svc/cart:80"]
