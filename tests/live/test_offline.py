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

from .tool import RUN_SECONDS, Answer, refused, says, until


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
    # A dump is of one moment, and between two crashes the pod may just be running.
    until(lambda: refused(cluster.kubeconfig, "crash", "-n", shop, "-o", "json"), says("crash-loop"), 60.0)
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


# As short as people write it: everything else is for the API server to fill in.
BARE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: named}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: htpp}]}
---
apiVersion: v1
kind: Service
metadata: {name: typo}
spec: {selector: {app: wbe}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: none}
spec: {selector: {app: none}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: none}
spec:
  replicas: 0
  selector: {matchLabels: {app: none}}
  template:
    metadata: {labels: {app: none}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed}
spec: {podSelector: {matchLabels: {app: web}}}
"""


def verdicts(told: Answer) -> list[tuple[str, str, str]]:
    """What became of each Service of a scan, and why."""
    assert told.out, told
    return [(row["target"], row["state"], row["code"]) for row in told.report["rows"]]


def test_manifests_are_judged_as_the_api_server_completes_them(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """Kustomize's output, and the same objects with all that the API server defaults in them."""
    (tmp_path / "shop.yaml").write_text(BARE)
    (tmp_path / "kustomization.yaml").write_text(f"namespace: {namespace}\nresources: [shop.yaml]\n")
    (tmp_path / "built.yaml").write_text(cluster.kubectl("kustomize", str(tmp_path)).stdout)
    made = cluster.kubectl("create", "--dry-run=server", "-f", str(tmp_path / "built.yaml"), "-o", "yaml")
    assert "internalTrafficPolicy: Cluster" in made.stdout
    (tmp_path / "made.yaml").write_text(made.stdout)
    built = verdicts(offline(tmp_path, "scan", "-f", "built.yaml", "-o", "json"))
    assert built == verdicts(offline(tmp_path, "scan", "-f", "made.yaml", "-o", "json"))
    assert built == [
        ("svc/named", "broken", "KR214"),
        ("svc/typo", "broken", "KR201"),
        ("svc/web", "works", ""),
        ("svc/none", "idle", "KR205"),
    ]
