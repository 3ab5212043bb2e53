"""make new-cause: what it writes compiles and is found, and bad words are refused in one line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from kubectl_refused.causes import HOPS, catalogue
from tools import new_cause


def test_writes_a_cause_and_a_whole_case_folder(tmp_path: Path) -> None:
    paths = new_cause.write(tmp_path, "process", "sleeps_on_the_job", "KR999")
    names = [str(path.relative_to(tmp_path)) for path in paths]
    case = "tests/cases/process/sleeps_on_the_job"
    assert names == ["kubectl_refused/causes/process/sleeps_on_the_job.py"] + [
        f"{case}/{name}.yaml" for name in ("refused", "healthy", "expect")
    ]


def test_the_cause_parses_and_its_function_has_the_files_name(tmp_path: Path) -> None:
    source = new_cause.write(tmp_path, "pod", "sleeps_on_the_job", "KR999")[0].read_text()
    tree = ast.parse(source)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions == ["sleeps_on_the_job"]
    manual = ast.get_docstring(tree) or ""
    assert all(part in manual for part in ("Why it refuses:", "Confirm:", "Fix:", "See:"))


def test_the_case_names_the_cause_as_reports_do(tmp_path: Path) -> None:
    expect = new_cause.write(tmp_path, "pod", "sleeps_on_the_job", "KR999")[3]
    assert yaml.safe_load(expect.read_text())["root"] == "sleeps-on-the-job"


@pytest.mark.parametrize(
    ("hop", "name", "code", "says"),
    [
        ("cloud", "sleeps_on_the_job", "KR999", "HOP=cloud"),
        ("pod", "Sleeps", "KR999", "full words"),
        ("pod", "../escape", "KR999", "full words"),
        ("pod", "sleeps_on_the_job", "403", "KR and three digits"),
    ],
)
def test_bad_words_are_refused(hop: str, name: str, code: str, says: str) -> None:
    with pytest.raises(new_cause.Refused, match=says):
        new_cause.check(hop, name, code)


def test_codes_and_names_in_use_are_refused() -> None:
    known = catalogue()[0]
    with pytest.raises(new_cause.Refused, match=known.name):
        new_cause.check(HOPS[0], "quite_another_name", known.code)
    with pytest.raises(new_cause.Refused, match=known.code):
        new_cause.check(HOPS[0], known.name, "KR999")


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    new_cause.write(tmp_path, "pod", "sleeps_on_the_job", "KR999")
    with pytest.raises(new_cause.Refused, match="there already"):
        new_cause.write(tmp_path, "pod", "sleeps_on_the_job", "KR999")
