"""What is read without typer means what typer makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.cli.app import invoke
from kubectl_refused.cli.command import Command, Values, load
from kubectl_refused.cli.plainly import plainly
from kubectl_refused.errors import UsageProblem

COMMANDS = [load(name) for name in ("diagnose", "scan", "listen", "cleanup", "causes")]
_VALUES = st.sampled_from(["web", "svc/web:80", "a=b", "-", "-x", "--", "", "json", "1.2.3.4:80", "--probe"])


def _by_typer(command: Command, arguments: Sequence[str]) -> tuple[list[str], dict[str, Any]] | None:
    """What the command would be run with; None where typer refuses."""
    given: list[tuple[list[str], dict[str, Any]]] = []

    def note(words: Sequence[str], values: Values) -> int:
        given.append((list(words), dict(values)))
        return 0

    try:
        invoke(command._replace(run=note), "refused", arguments)
    except UsageProblem:
        return None
    return given[0] if given else None


@st.composite
def _lines(draw: st.DrawFn) -> tuple[Command, list[str]]:
    command = draw(st.sampled_from(COMMANDS))
    spellings = [name for option in command.options for name in option.names]
    parts = draw(st.lists(st.sampled_from(spellings) | _VALUES, max_size=5))
    joined = [f"{part}={draw(_VALUES)}" if draw(st.booleans()) and part in spellings else part for part in parts]
    return command, joined


@given(_lines())
@settings(max_examples=150, deadline=None)
def test_both_read_the_same(line: tuple[Command, list[str]]) -> None:
    command, arguments = line
    plain = plainly(arguments, command)
    if plain is not None:
        assert plain == _by_typer(command, arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--bogus"], ["--output"], ["-ojson"], ["--fix=true"]])
def test_the_rest_is_left_to_typer(arguments: list[str]) -> None:
    assert plainly(arguments, load("diagnose")) is None


def test_a_plain_line() -> None:
    words, values = plainly(["svc/web", "-n", "shop", "--fix", "-o=json"], load("diagnose")) or ([], {})
    assert words == ["svc/web"]
    assert (values["namespace"], values["fix"], values["output"], values["probe"]) == (
        "shop",
        True,
        "json",
        "pods",
    )
    assert values["reports"] is None
