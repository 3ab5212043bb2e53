"""Defaults of the user's own: which goes before which, and the one line that says what is wrong with one."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kubectl_refused.cli.command import load
from kubectl_refused.cli.defaults import DEFAULT_FILE, defaults, key_of, variable_of
from kubectl_refused.cli.options import DIAGNOSIS, FILE_DEFAULTS, SCAN, VARIABLE_DEFAULTS, find
from kubectl_refused.errors import UsageProblem

SCHEMA = json.loads(importlib.resources.files("kubectl_refused").joinpath("config.schema.json").read_text("utf-8"))
OPTIONS = load("scan").options


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(typed: dict[str, Any] | None = None, file: str = "", **variables: str) -> dict[str, Any]:
    """The defaults of a scan with that file in the working directory, and KUBECTL_REFUSED_ variables."""
    if file:
        Path(DEFAULT_FILE).write_text(file)
    return defaults(OPTIONS, typed or {}, {f"KUBECTL_REFUSED_{name}": text for name, text in variables.items()})


def problem(typed: dict[str, Any] | None = None, file: str = "", **variables: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        given(typed, file, **variables)
    assert caught.value.message.isprintable()
    return caught.value.message


def test_without_any() -> None:
    assert given() == {}
    assert given(file="ignore: []\n") == {}
    assert given(file="defaults:\n") == {}


def test_a_flag_beats_a_variable_and_that_beats_the_file() -> None:
    file = "defaults:\n  probe: none\n  output: wide\n  dials: 4\n"
    assert given(file=file) == {"probe": "none", "output": "wide", "dials": "4"}
    assert given(file=file, PROBE="passive") == {"probe": "passive", "output": "wide", "dials": "4"}
    assert given({"probe": "pods", "dials": "1"}, PROBE="passive") == {"output": "wide"}


def test_what_is_overridden_is_not_looked_at() -> None:
    assert given({"probe": "none"}, PROBE="some") == {}
    assert given(file="defaults: {probe: some}", PROBE="all") == {"probe": "all"}


def test_every_default_of_the_environment_is_one() -> None:
    values = {
        "--probe": "none",
        "--dials": "3",
        "--wait": "2m",
        "--output": "json",
        "--fail-on": "any",
        "--request-timeout": "9s",
        "--ignore": "KR403,crash-loop",
        "--config": "rules.yaml",
    }
    Path("rules.yaml").write_text("")
    for name in VARIABLE_DEFAULTS:
        option = find(OPTIONS, name)
        assert option is not None, name
        text = values.get(name, "x" if option.metavar else "true")
        expected: Any = [text] if option.repeatable else text if option.metavar else True
        assert defaults(OPTIONS, {}, {variable_of(name): text}) == {option.key: expected}


def test_an_empty_variable_is_none_and_false_is_false() -> None:
    assert given(PROBE="", EXIT_ZERO="") == {}
    assert given(EXIT_ZERO="0") == {"exit_zero": False}
    assert given(file="defaults: {exit-zero: true}", EXIT_ZERO="false") == {"exit_zero": False}


def test_the_file_that_a_variable_names() -> None:
    Path("other.yaml").write_text("defaults: {probe: none}")
    assert given(CONFIG="other.yaml")["probe"] == "none"
    assert given({"config": "other.yaml"}) == {"probe": "none"}
    assert "nowhere.yaml cannot be read" in problem(CONFIG="nowhere.yaml")


@pytest.mark.parametrize(
    "typed", [{"watch": True}, {"filename": ["a.yaml"]}, {"fix": True}, {"dry_run": True}, {"skim": True}]
)
def test_a_wait_gives_way_to_what_rules_it_out(typed: dict[str, Any]) -> None:
    assert given(typed, WAIT="2m") == {}


def test_a_depth_gives_way_to_what_dials_nothing() -> None:
    assert given({"skim": True}, PROBE="passive", FAIL_ON="any") == {"fail_on": "any"}


def test_commands_without_such_options_have_none() -> None:
    environ = {"KUBECTL_REFUSED_OUTPUT": "sarif", "KUBECTL_REFUSED_NONSENSE": "x"}
    for name in ("causes", "explain"):
        assert defaults(load(name).options, {}, environ) == {}
    assert defaults(load("cleanup").options, {}, {"KUBECTL_REFUSED_OUTPUT": "sarif"}) == {}


def test_variables_of_a_service_of_our_name_and_of_make_are_none_of_ours() -> None:
    links = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR")
    environ = {f"KUBECTL_REFUSED_{name}": "tcp://10.96.0.9:80" for name in (*links, "CACHE")}
    assert defaults(OPTIONS, {}, environ) == {}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("PROBE", "some", "=some is not known; type KUBECTL_REFUSED_PROBE=none|passive|pods|all"),
        ("FAIL_ON", "x", "=x is not known; type KUBECTL_REFUSED_FAIL_ON=proved|likely|any"),
        ("DIALS", "99", "=99 is not between 1 and 20; type KUBECTL_REFUSED_DIALS=5"),
        ("WAIT", "x", "=x is no duration; type a number with s, m or h: KUBECTL_REFUSED_WAIT=10m"),
        ("REQUEST_TIMEOUT", "soon", "=soon is no duration; type seconds or a number with s, m or h: KUBECTL_REF"),
        ("EXIT_ZERO", "maybe", "=maybe is neither true nor false; write KUBECTL_REFUSED_EXIT_ZERO=true"),
        ("IGNORE", "KR403,crash-lop", "=KR403,crash-lop: there is no cause 'crash-lop' to ignore; did you mean"),
    ],
)
def test_a_bad_variable_is_named_with_what_to_type(name: str, text: str, says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        defaults(OPTIONS, {}, {f"KUBECTL_REFUSED_{name}": text})
    assert caught.value.message.startswith(f"KUBECTL_REFUSED_{name}{says}")


def test_an_unknown_variable_has_its_nearest() -> None:
    assert (
        problem(PROB="none")
        == "the variable KUBECTL_REFUSED_PROB means nothing; did you mean KUBECTL_REFUSED_PROBE?"
    )
    assert "unset it; known are KUBECTL_REFUSED_PROBE, " in problem(ZZZ="1")


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("default: {}", ":1:1: unknown key 'default'; did you mean defaults?"),
        ("defaults:\n  prob: none", ":2:3: unknown key 'prob'; did you mean probe?"),
        ("defaults: [probe]", ":1:11: defaults is a list; write it as probe: …, dials: …"),
        ("defaults:\n  probe: some", ":2:10: probe: some is not known; type probe: none|passive|pods|all"),
        ("defaults:\n  probe: [none]", ":2:10: probe is a list; write probe: VALUE"),
        ("defaults:\n  wait: 1:30", ":2:9: wait: 1:30 is no duration; type a number with s, m or h: wait: 10m"),
        ("defaults:\n  verbose: 7", ":2:12: verbose: 7 is neither true nor false; write verbose: true"),
        (
            "defaults:\n  dial-any: true",
            ":2:13: a file has no default for --dial-any; set KUBECTL_REFUSED_DIAL_ANY",
        ),
        ("defaults: {probe: none, probe: all}", ":1:25: probe is there twice"),
    ],
)
def test_a_bad_default_of_the_file_is_named_with_its_place(file: str, says: str) -> None:
    assert problem(file=file).startswith(f"{DEFAULT_FILE}{says}")


def test_the_schema_knows_the_same() -> None:
    known = SCHEMA["properties"]["defaults"]["properties"]
    assert set(known) == {key_of(name) for name in FILE_DEFAULTS}
    for name in FILE_DEFAULTS:
        option = find(DIAGNOSIS + SCAN, name)
        if option and option.choices:
            assert known[key_of(name)]["enum"] == [*option.choices, None]


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("defaults: {probe: none, dials: 3, wait: 2m, exit-zero: true, image: }", True),
        ("defaults:", True),
        ("defaults: {probe: some}", False),
        ("defaults: {dial-any: true}", False),
        ("defaults: {exit-zero: sometimes}", False),
        ("defaults: [probe]", False),
    ],
)
def test_the_schema_takes_and_refuses_the_same(text: str, takes: bool) -> None:
    assert (not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text)))) is takes
    if takes:
        given(file=text)
    else:
        problem(file=text)


def test_what_people_read_about_defaults_is_right() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    section = readme[readme.index("## Defaults of your own") :].partition("\n## ")[0]
    assert given(file=section.split("```")[1]) == {"probe": "none", "output": "wide", "wait": "2m"}
    assert [name for name in VARIABLE_DEFAULTS if f"`{key_of(name)}`" not in section] == []
    details = load("diagnose").details
    assert given(file=details[details.index("defaults: {") :].partition("\n")[0]) == {
        "probe": "none",
        "output": "wide",
    }
