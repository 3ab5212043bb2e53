"""kind-config.yaml is read by kind's own parser: no cluster, but the Go that the clusters are built with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cluster.gobuild import kind_config

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30.0
HEAD = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n  - role: control-plane\n"


def parsed(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([kind_config(), file], capture_output=True, text=True, timeout=SECONDS)


def test_kind_takes_the_configuration_of_the_demo() -> None:
    done = parsed(ROOT / "kind-config.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["control-plane", "worker", "worker"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("    extraPortMapping: []\n", "extraPortMapping not found"), ("  - role: master\n", "master")],
)
def test_kind_says_what_is_wrong(tmp_path: Path, wrong: str, says: str) -> None:
    file = tmp_path / "kind.yaml"
    file.write_text(HEAD + wrong)
    done = parsed(file)
    assert done.returncode == 1, done.stdout
    assert says in done.stderr
