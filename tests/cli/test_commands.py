"""Commands: how the first word chooses one, and what causes and explain print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubectl_refused import __version__
from kubectl_refused.causes import catalogue
from kubectl_refused.cli.command import choose, names, program_name
from kubectl_refused.errors import UsageProblem

from .tool import run


def test_the_first_word_chooses() -> None:
    assert names() == ["causes", "cleanup", "explain", "listen", "record", "run", "scan"]
    command, rest = choose(["explain", "KR403"])
    assert (command.name, rest) == ("explain", ["KR403"])
    command, rest = choose(["-n", "shop", "--kubeconfig=x", "cleanup", "--all"])
    assert (command.name, rest) == ("cleanup", ["-n", "shop", "--kubeconfig=x", "--all"])


@pytest.mark.parametrize("words", [["-"], ["-n", "shop", "-"], ["-", "-n", "shop"], ["-f", "-", "-"]])
def test_a_dash_chooses_the_text_on_stdin(words: list[str]) -> None:
    command, rest = choose(words)
    assert (command.name, rest.count("-")) == ("-", words.count("-") - 1)


def test_what_follows_the_dashes_is_left_alone() -> None:
    command, rest = choose(["-n", "shop", "run", "--", "scan", "-n", "x"])
    assert (command.name, rest) == ("run", ["-n", "shop", "--", "scan", "-n", "x"])


@pytest.mark.parametrize(
    "words", [[], ["svc/causes"], ["web", "causes"], ["-n", "causes"], ["--", "causes"], ["diagnose"], ["-h"]]
)
def test_everything_else_is_the_diagnosis(words: list[str]) -> None:
    command, rest = choose(words)
    assert (command.name, rest) == ("", words)


@pytest.mark.parametrize(
    ("argv0", "name"),
    [
        ("/usr/bin/kubectl-refused", "kubectl refused"),
        ("kubectl-refused.exe", "kubectl refused"),
        ("/x/kubectl_refused/__main__.py", "python -m kubectl_refused"),
        ("/usr/bin/refused", "refused"),
    ],
)
def test_program_name(argv0: str, name: str) -> None:
    assert program_name(argv0) == name


def test_version(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout == f"kubectl-refused {__version__}\n"
    assert run(tmp_path, "svc/web", "--version").stdout == f"kubectl-refused {__version__}\n"


def test_causes(capsys: pytest.CaptureFixture[str]) -> None:
    command, _ = choose(["causes"])
    assert command.run([], {"output": None}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(catalogue())
    assert any(line.split()[:2] == ["KR403", "listens-on-loopback"] for line in lines)


def test_causes_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    command, _ = choose(["causes"])
    command.run([], {"output": "json"})
    rows = json.loads(capsys.readouterr().out)
    assert [row["code"] for row in rows] == [cause.code for cause in catalogue()]
    assert next(row["also"] for row in rows if row["code"] == "KR401") == ["KR402"]
    assert all(row.keys() == {"code", "name", "title", "hop", "provenBy", "test", "also"} for row in rows)
    command.run([], {"output": "name"})
    assert "listens-on-loopback" in capsys.readouterr().out.splitlines()
    with pytest.raises(UsageProblem, match="--output xml is not known"):
        command.run([], {"output": "xml"})


@pytest.mark.parametrize("word", ["KR403", "kr403", "listens-on-loopback", "listens_on_loopback"])
def test_explain_prints_the_manual(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, _ = choose(["explain"])
    assert command.run([word], {}) == 0
    page = capsys.readouterr().out
    assert page.startswith("KR403 listens-on-loopback\n")
    assert all(part in page for part in ("Why it refuses:", "Confirm:", "Fix:"))


def test_explain_of_a_code_that_another_cause_covers(capsys: pytest.CaptureFixture[str]) -> None:
    command, _ = choose(["explain"])
    assert command.run(["kr402"], {}) == 0
    assert capsys.readouterr().out.startswith("KR402 is part of KR401\n\nKR401 wrong-target-port\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no cause is named"),
        (["listens-on-lopback"], "did you mean listens-on-loopback?"),
        (["KR9999"], "there is no cause KR9999"),
        (["\x1b"], r"there is no cause \x1b; see: kubectl refused causes"),
    ],
)
def test_explain_what_is_not_there(words: list[str], says: str) -> None:
    command, _ = choose(["explain"])
    with pytest.raises(UsageProblem) as caught:
        command.run(words, {})
    assert says in caught.value.message
