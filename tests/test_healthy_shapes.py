"""Manifests of healthy objects of unusual shape: read as files, nothing is wrong with any of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tool import run

from .healthy_shapes import FOLDER, LIMITS, Shape, documents, faults, shapes


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report about the folder: exit code, and an item for each Service by its name."""
    done = run(Path(tmp_path_factory.mktemp("home")), "-f", str(FOLDER), "-o", "json")
    assert done.stdout, done.stderr
    return {item["target"]: item for item in json.loads(done.stdout)["items"]} | {"code": done.returncode}


@pytest.mark.parametrize("shape", shapes(), ids=str)
def test_nothing_is_wrong_in_the_manifests(told: dict[str, Any], shape: Shape) -> None:
    assert faults(told[f"svc/{shape.name}"]) == []


def test_the_folder_is_fine_as_a_whole(told: dict[str, Any]) -> None:
    assert told["code"] == 0
    assert len(told) - 1 == len(shapes()) >= 40


def test_names_are_used_once_as_all_stand_in_one_namespace() -> None:
    named = [(each["kind"], each["metadata"]["name"]) for _, each in documents()]
    assert len(named) == len(set(named))
    assert set(LIMITS) <= {shape.name for shape in shapes()}
