"""What README.md says, held against the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kubectl_refused.cli.command import load
from kubectl_refused.cli.exit_codes import MEANINGS
from kubectl_refused.cli.options import CONNECTION, DEPTHS, DIAGNOSIS
from kubectl_refused.model.target import Depth

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def told(role: str) -> str:
    """The rights of one ClusterRole, as the README's table writes them."""
    rules = next(
        r["rules"]
        for r in yaml.safe_load_all((ROOT / "manifests" / "rbac.yaml").read_text())
        if r["metadata"]["name"] == role
    )
    return "; ".join(f"{', '.join(rule['verbs'])} {', '.join(rule['resources'])}" for rule in rules)


@pytest.mark.parametrize("depth", list(Depth))
def test_the_rights_table_is_that_of_the_roles(depth: Depth) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{depth.value}` |"))
    assert row.rsplit("|", 2)[1].strip() == told(f"refused-{depth.value}")


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, re.M))
    assert table == {str(code): words for code, words in MEANINGS.items() if code < 100}


def test_every_option_named_exists() -> None:
    commands = [*load("cleanup").options, *load("scan").options, *load("record").options]
    known = {option.name for option in (*CONNECTION, *DIAGNOSIS, *commands)} | {"--output-directory"}  # kubectl's
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named - known == set()


def test_the_two_commands_are_there() -> None:
    assert "make demo" in README
    assert "make test" in README
    assert all(f"`{depth}`" in README for depth in DEPTHS)
