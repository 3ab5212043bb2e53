"""`.kubectl-refused.yaml`: what it may hold, and the one line that tells what is wrong with it."""

from __future__ import annotations

import importlib.resources
import inspect
import json
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.cli.commands.scan import COMMAND
from kubectl_refused.cli.config_file import LARGEST
from kubectl_refused.cli.rules_file import Rules, rules_of
from kubectl_refused.errors import UsageProblem
from kubectl_refused.trace.ignores import IgnoreRule

TODAY = date(2026, 11, 28)
FILE = ".kubectl-refused.yaml"
SCHEMA = json.loads(importlib.resources.files("kubectl_refused").joinpath("config.schema.json").read_text("utf-8"))
GOOD = """
ignore:
  - cause: listens-on-loopback
    namespace: e2e-*
    service: debug-*
    reason: only reached by port-forward
    until: 2027-01-31
  - {cause: KR401, reason: known}
"""


def rules(text: str | bytes) -> Rules:
    return rules_of(text.encode() if isinstance(text, str) else text, FILE, today=TODAY)


def valid(text: str) -> bool:
    """Whether the schema takes it; dates are text to it."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own attribute)
            first: [(tag, rule) for tag, rule in rules if not tag.endswith("timestamp")]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    checker = jsonschema.FormatChecker(formats=["date"])
    data: Any = yaml.load(text, Loader=Loader)
    return not list(jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).iter_errors(data))


def test_rules_with_everything_and_with_the_least() -> None:
    first, second = rules(GOOD).rules
    assert first == IgnoreRule(
        "listens-on-loopback", f"{FILE}:3", "e2e-*", "debug-*", "only reached by port-forward"
    )
    assert second == IgnoreRule("KR401", f"{FILE}:8", "*", "*", "known")
    assert valid(GOOD)


def test_the_examples_that_people_read_are_right() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    shown = readme[readme.index("```\nignore:\n") + 4 :].partition("```")[0]
    help_ = inspect.cleandoc(COMMAND.details)
    in_help = textwrap.dedent(help_[help_.index("  ignore:") :].partition("\n\n")[0])
    for text in (shown, in_help):
        assert len(rules(text).rules) == 1
        assert valid(text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "ignore:\n", "ignore: []\n", "{}"])
def test_nothing_to_ignore(text: str) -> None:
    assert rules(text) == Rules()
    assert valid(text)


@pytest.mark.parametrize(("day", "holds"), [("2026-11-28", True), ("2026-11-27", False), ("2030-01-01", True)])
def test_until_is_the_last_day(day: str, holds: bool) -> None:
    found = rules(f"ignore: [{{cause: KR403, reason: x, until: {day}}}]")
    assert (len(found.rules), len(found.expired)) == (int(holds), int(not holds))
    assert holds or day in found.expired[0].because


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ignores: []", ":1:1: unknown key 'ignores'; did you mean ignore?"),
        ("- a", ":1:1: the file is a list"),
        ("ignore: {a: b}", ":1:9: ignore is a mapping"),
        ("ignore: KR403", ":1:9: ignore is text"),
        ("ignore:\n  - KR403", ":2:5: a rule is text"),
        ("ignore:\n  - cause: KR403", ":2:5: the rule has no reason; add reason: WHY"),
        ("ignore:\n  - reason: x", ":2:5: the rule has no cause; add cause: NAME"),
        ("ignore:\n  - casue: KR403\n    reason: x", ":2:5: unknown key 'casue'; did you mean cause?"),
        ("ignore:\n  - cause: KR403\n    reason: 7", ":3:13: reason is a number; write text"),
        ("ignore:\n  - cause: KR403\n    reason: ''", ":3:13: reason is empty; write text"),
        ("ignore:\n  - cause: [KR403]\n    reason: x", ":2:12: cause is a list; write text"),
        ("ignore:\n  - cause: listens-on-lopback\n    reason: x", "did you mean listens-on-loopback?"),
        ("ignore:\n  - {cause: KR403, reason: x, until: tomorrow}", "until 'tomorrow' is no date"),
        ("ignore:\n  - {cause: KR403, reason: x, until: 2026-02-30}", "until '2026-02-30' is no date"),
        ("ignore: []\nignore: []", ":2:1: ignore is there twice"),
        ("ignore: []\n---\nignore: []", "a second document begins"),
        ("ignore: [", "not valid YAML"),
        ("ignore: [\x1b]", "not valid YAML"),
        ("a" * (LARGEST + 1), "larger than"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(text: str, says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        rules(text)
    assert says in caught.value.message
    assert caught.value.message.startswith(FILE)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "ignores: []",
        "ignore: {a: b}",
        "ignore: [KR403]",
        "ignore: [{cause: KR403}]",
        "ignore: [{cause: KR403, reason: 7}]",
        "ignore: [{cause: KR403, reason: ''}]",
        "ignore: [{cause: KR403, reason: x, until: soon}]",
    ],
)
def test_the_schema_refuses_the_same(text: str) -> None:
    assert not valid(text)
    with pytest.raises(UsageProblem):
        rules(text)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f"ignore: {text}".encode("utf-8", "replace"))
)
def test_hostile_bytes_end_in_one_line(data: bytes) -> None:
    said = ""
    try:
        rules(data)
    except UsageProblem as problem:
        said = problem.message
    assert not said or said.isprintable()
