"""`-o github`: the runner obeys our annotations, and nothing that others wrote."""

from __future__ import annotations

import re

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model.report import Diagnosis, DiagnosisList, Report

from . import hostile, samples
from .streams import rendered
from .test_sarif import with_source

unhurried = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def commands(text: str) -> list[str]:
    """The lines that actions/runner would obey: ActionCommand.cs, TryParseV2 and TryParse."""
    lines = re.split(r"\r\n|\r|\n", text)
    return [line for line in lines if re.match(r"\s*::[^:]*.*::", line) or "##[" in line]


@unhurried
@given(report=st.one_of(hostile.diagnoses, hostile.lists), encoding=st.sampled_from(("utf-8", "ascii")))
def test_only_our_own_commands_are_obeyed(report: Report, encoding: str) -> None:
    text = rendered(report, form="github", encoding=encoding)
    for command in commands(text):
        # Up to the second :: nothing but names and escaped values, so that the data begins where we mean it to.
        assert re.match(r"::(error|warning) (file=[^,:]*,line=\d+,)?title=[^:,]*::", command)
        assert "##[" not in command


def test_an_annotation_has_its_place() -> None:
    (command,) = commands(rendered(with_source("shop.yaml", 7), form="github"))
    assert command == (
        "::error file=shop.yaml,line=7,title=KR201 svc/cart%3A80 cannot work::svc/cart:80 cannot work: "
        "its selector matches no pod%0AFix: Select tier=c0re (svc/cart)"
    )


def test_what_works_is_no_annotation_and_what_is_open_a_warning() -> None:
    assert commands(rendered(samples.works(), form="github")) == []
    (command,) = commands(rendered(samples.unexplained(), form="github"))
    assert command.startswith("::warning title=svc/web%3A80 times out::")


def test_percent_signs_and_lines_are_escaped() -> None:
    root = msgspec.structs.replace(samples.selector(), headline="50% ::error::a, b")
    one = msgspec.structs.replace(samples.rejected().paths[0], root=root)
    (command,) = commands(rendered(msgspec.structs.replace(samples.rejected(), paths=(one,)), form="github"))
    assert "50%25 ::error::a, b%0AFix" in command
    assert command.count("\n") == 0


def test_no_more_than_github_shows() -> None:
    many: list[Diagnosis] = []
    for number in range(25):
        many.append(msgspec.structs.replace(samples.refused(), target=f"svc/web-{number}:80"))
    text = rendered(DiagnosisList(items=tuple(many)), form="github")
    assert len(commands(text)) == 10
    assert "15 more of level error without an annotation" in text
