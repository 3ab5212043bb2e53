"""action.yml and the workflow hold to what makes an action safe, and to the scripts they call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "action.yml", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
PINNED = re.compile(r"(\./|[\w./-]+@[0-9a-f]{40})")
INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+)")


def steps(file: Path) -> Iterator[dict[str, Any]]:
    """Every step of an action or of a workflow's jobs."""
    document = yaml.safe_load(file.read_text())
    jobs = [document["runs"]] if "runs" in document else document["jobs"].values()
    for job in jobs:
        yield from job["steps"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_other_actions_are_pinned_to_a_commit(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert used
    assert not [one for one in used if not PINNED.fullmatch(one)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_expression_is_pasted_into_a_script(file: Path) -> None:
    scripts = [step["run"] for step in steps(file) if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


def test_every_input_is_declared_and_used() -> None:
    text = (ROOT / "action.yml").read_text()
    declared = set(yaml.safe_load(text)["inputs"])
    assert set(INPUT.findall(text)) == declared


def test_the_script_reads_what_the_action_gives() -> None:
    (scan,) = (step for step in steps(ROOT / "action.yml") if step.get("id") == "scan")
    script = (ROOT / "action" / "scan.sh").read_text()
    read = set(re.findall(r"\$\{?(SCAN_\w+)", script))
    assert read == set(scan["env"]) - {"SCAN_KUBECONFIG"} | {"SCAN_PROGRAM"}


def test_the_workflow_gives_inputs_that_there_are() -> None:
    declared = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    given = {key for file in FILES[1:] for step in steps(file) if step.get("uses") == "./" for key in step["with"]}
    assert given
    assert given <= declared


def test_the_image_holds_what_the_package_is_built_from() -> None:
    shown = (ROOT / ".dockerignore").read_text().split()
    assert shown[0] == "*"
    wanted = {"!kubectl_refused", "!pyproject.toml", "!README.md", "!LICENSE", "!requirements.lock", "!wheels"}
    assert wanted <= set(shown)
