"""What the action and the workflow run, on the embedded cluster: the scan, and the scan inside the cluster."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.api import Cluster
from tests.cluster.gobuild import kubernetes
from tests.cluster.tool_image import NAME, write_tool_image

from .conftest import fresh_namespace
from .test_probe_pod import apply
from .witness_shop import pod, service, shell

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240.0
MENDED = "selector-matches-nothing"
REPORTS = ("refused.html", "refused.json", "refused.md", "refused.sarif", "refused.xml")


@pytest.fixture(scope="module")
def mixed(cluster: Cluster) -> str:
    """A namespace with a Service that works and one whose selector has a slip."""
    name = fresh_namespace(cluster)
    web = pod("web", shell("exec httpd -f -p 8080"))
    web["metadata"]["labels"] = {"app": "web"}
    apply(cluster, name, web, service("good", {"app": "web"}, 80, 8080), service("bad", {"app": "wob"}, 80, 8080))
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod/web", "--timeout=90s")
    return name


def scripted(words: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", **variables}
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL
    )


def test_the_actions_scan(cluster: Cluster, mixed: str, tmp_path: Path) -> None:
    reports, outputs, summary = tmp_path / "reports", tmp_path / "outputs", tmp_path / "summary.md"
    done = scripted(
        ["action/scan.sh"],
        KUBECONFIG=str(cluster.kubeconfig),
        SCAN_PROGRAM=str(Path(sys.executable).parent / "kubectl-refused"),
        SCAN_NAMESPACE=mixed,
        SCAN_REPORTS=str(reports),
        SCAN_ARGUMENTS="--dials\n1\n",
        GITHUB_OUTPUT=str(outputs),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"exit-code=1\nreports={reports}\n" == outputs.read_text()
    assert sorted(path.name for path in reports.iterdir()) == sorted(REPORTS)
    assert "\n::error " in done.stdout, done.stdout
    assert "svc/bad" in summary.read_text()
    (broken,) = (one for one in json.loads((reports / "refused.json").read_text())["items"] if one["root"])
    assert broken["root"]["name"] == MENDED
    ruled = json.loads((reports / "refused.sarif").read_text())["runs"][0]["results"]
    assert {one["ruleId"] for one in ruled} == {broken["root"]["code"]}


def test_an_input_is_never_read_as_shell(cluster: Cluster, tmp_path: Path) -> None:
    done = scripted(
        ["action/scan.sh"],
        KUBECONFIG=str(cluster.kubeconfig),
        SCAN_PROGRAM=str(Path(sys.executable).parent / "kubectl-refused"),
        SCAN_NAMESPACE="$(touch owned); x",
        SCAN_REPORTS=str(tmp_path),
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "namespace" in done.stderr
    assert not (ROOT / "owned").exists()


@pytest.fixture(scope="module")
def loaded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the tool's image, on every node."""
    archive = tmp_path_factory.mktemp("image") / "tool.tar"
    write_tool_image(archive)
    cluster.load(archive)
    return NAME


def test_the_scan_inside_the_cluster(cluster: Cluster, mixed: str, loaded: str) -> None:
    kubectl = shlex.join([str(kubernetes()), "kubectl", f"--kubeconfig={cluster.kubeconfig}"])
    done = scripted(["action/in-cluster.sh", loaded, mixed, kubectl, "1"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "svc/bad" in done.stdout
    assert "KR201" in done.stdout


def test_the_scan_every_ten_minutes(cluster: Cluster, mixed: str, loaded: str) -> None:
    words = (ROOT / "manifests" / "cronjob.yaml").read_text().replace("IMAGE", loaded).replace("shop", mixed)
    cluster.apply(words, namespace=mixed)
    cluster.kubectl("create", "job", "nightly", "-n", mixed, "--from=cronjob/refused")
    cluster.kubectl("wait", "-n", mixed, "--for=condition=Failed", "job/nightly", "--timeout=120s")
    report = cluster.kubectl("logs", "-n", mixed, "job/nightly").stdout
    assert "svc/bad" in report
    assert "selector matches no pod" in report
    assert "was not written" not in report
