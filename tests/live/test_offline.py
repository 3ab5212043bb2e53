"""What was seen of a real cluster, told again without it: recordings, and dumps of `kubectl cluster-info dump`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from tests.cluster.api import Cluster

from .tool import RUN_SECONDS, Answer, refused


def offline(folder: Path, *words: str) -> Answer:
    """Run without any kubeconfig, in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_refused", *words],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        env={**os.environ, "KUBECONFIG": os.devnull, "NO_COLOR": "1", "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def untouched(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The diagnoses without what each run did to the cluster."""
    return [{**item, "touched": []} for item in report["items"]]


def test_a_recording_replays_the_same_verdict(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    file, report = tmp_path / "shop.tgz", tmp_path / "shop.json"
    words = ["web", "loop", "typo", "wrong", "crash", "-n", shop, "--from", "deploy/web"]
    done = refused(cluster.kubeconfig, "record", *words, "-o", str(file), "--report", f"json={report}")
    assert (done.code, done.err) == (1, ""), done
    assert f"recorded in {file}" in done.out
    live = json.loads(report.read_text())
    roots = [item["root"] and item["root"]["name"] for item in live["items"]]
    assert roots == [None, "listens-on-loopback", "selector-matches-nothing", "wrong-target-port", "crash-loop"]
    told = offline(tmp_path, "--recording", "shop.tgz", "-o", "json")
    assert (told.code, told.err) == (1, ""), told
    assert untouched(told.report) == untouched(live)
    assert [item["touched"] for item in told.report["items"]] == [[]] * 5
    with tarfile.open(file) as tar:
        held = tar.extractfile("recording.json")
        assert held is not None
        text = held.read()
    assert b"password=***" in text
    assert b"hunter2" not in text


def test_a_dump_of_the_cluster_is_read(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    """Folder and text say the same: crashes with their logs, selectors, flags; what a dump lacks is told."""
    cluster.kubectl("cluster-info", "dump", "--namespaces", shop, "--output-directory", str(tmp_path / "dump"))
    (tmp_path / "dump.txt").write_text(cluster.kubectl("cluster-info", "dump", "--namespaces", shop).stdout)
    told = offline(tmp_path, "-f", "dump", "crash", "typo", "loop", "web", "-o", "json")
    assert told.code == 1, told
    items = told.report["items"]
    roots = [item["root"] and (item["root"]["name"], item["root"]["certainty"]) for item in items]
    assert roots == [
        ("crash-loop", "proved"),
        ("selector-matches-nothing", "proved"),
        ("listens-on-loopback", "likely"),
        None,
    ]
    assert any(proof["witness"] == "log" for proof in items[0]["root"]["evidence"])
    assert "password=***" in told.out
    assert all("worked out from the pods" in item["gaps"][0]["because"] for item in items)
    text = offline(tmp_path, "-f", "dump.txt", "crash", "typo", "loop", "web", "-o", "json")
    assert [item["root"] for item in text.report["items"]] == [item["root"] for item in items]
    assert offline(tmp_path, "-f", "dump", "web").code == 0
    scanned = offline(tmp_path, "scan", "-f", "dump", "-o", "name")
    assert (scanned.code, "svc/typo KR201" in scanned.out) == (1, True)
