"""What each path imports: deterministic, where milliseconds are not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .tool import environment

HEAVY = {"kubernetes", "docker", "rich", "typer", "pydantic", "yaml", "msgspec", "urllib3", "asyncio"}
CLIENTS = {"kubernetes", "docker", "rich", "pydantic", "urllib3", "websocket", "requests"}

CODE = """
import json, sys
sys.argv = json.loads(sys.argv[1])
from kubectl_refused.cli import start
import os
os._exit = sys.exit
try:
    getattr(start, sys.argv.pop(0))()
finally:
    sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def _imported(entry: str, *arguments: str, home: Path) -> set[str]:
    words = json.dumps([entry, "kubectl-refused", *arguments])
    done = subprocess.run(
        [sys.executable, "-c", CODE, words], capture_output=True, timeout=60, env=environment(home), text=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    ("entry", "arguments"),
    [
        ("main", ["--version"]),
        ("complete", ["--pro"]),
        ("complete", ["--probe", ""]),
        ("complete", [""]),
        ("complete", ["-f", ""]),
    ],
)
def test_fast_paths(entry: str, arguments: list[str], tmp_path: Path) -> None:
    assert _imported(entry, *arguments, home=tmp_path) & (HEAVY | {"dataclasses", "threading"}) == set()


def test_contexts_are_completed_without_the_client(tmp_path: Path) -> None:
    assert (
        _imported("complete", "--context", "", home=tmp_path) & (CLIENTS | {"typer", "asyncio", "msgspec"})
        == set()
    )


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["svc/a/b"], ["--bogus"]])
def test_help_and_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    assert _imported("main", *arguments, home=tmp_path) & (CLIENTS | {"yaml"}) == set()


@pytest.mark.parametrize("arguments", [["causes"], ["explain", "KR403"]])
def test_the_catalogue(arguments: list[str], tmp_path: Path) -> None:
    assert _imported("main", *arguments, home=tmp_path) & (CLIENTS | {"yaml"}) == set()


def test_files_need_no_client(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
    loaded = _imported("main", "-f", str(file), "-o", "name", home=tmp_path)
    assert loaded & CLIENTS == set()
    assert "yaml" in loaded
