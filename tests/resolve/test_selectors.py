"""Selectors: what the API server takes is taken, what it refuses is wrong usage.

The pairs were put to a real API server as well: tests/live/test_scan.py.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.errors import UsageProblem
from kubectl_refused.resolve.selectors import check_selector, parse_selector
from kubectl_refused.trace.labels import selects

LABELS = {"app": "web", "env": "prod", "example.com/team": "shop"}

GOOD = (
    "",
    "app=web",
    "app==web",
    "app = web , tier != db",
    "app",
    "!app",
    "app=",
    "app in (web, api),tier notin (db)",
    "app.kubernetes.io/name=web",
    "size>1,size<9",
    "in=x",
    "app in (,web)",
)
BAD = (
    "app=web=x",
    "app in web",
    "app in ()x",
    "=web",
    "app=we b",
    "app=-web",
    "a/b/c=x",
    "Prefix/app=x",
    "app=web,",
    ",app=web",
    f"app={'x' * 64}",
    "size>big",
    "app in (web",
    "app=web;tier=db",
)


@pytest.mark.parametrize("text", GOOD)
def test_what_selects(text: str) -> None:
    assert check_selector(text, "-l") == text


@pytest.mark.parametrize("text", BAD)
def test_what_does_not(text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        check_selector(text, "-l")
    assert "; type -l app=web" in caught.value.message
    assert caught.value.message.isprintable()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aA1-_./=!<>(), in\x1b", max_size=60))
def test_hostile_text(text: str) -> None:
    """No pattern goes back and forth without end: hypothesis would never come to its own."""
    said = ""
    try:
        check_selector(text * 50, "-l")
    except UsageProblem as problem:
        said = problem.message
    assert not said or said.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app=web",
        "app == web",
        "app!=db",
        "tier!=db,app=web",
        "env in (prod, stage)",
        "env notin (dev),app=web",
        "app,!canary",
        "example.com/team=shop",
    ],
)
def test_what_selects_labels(text: str) -> None:
    assert selects(parse_selector(text), LABELS)


@pytest.mark.parametrize(
    "text", ["app=db", "app!=web", "env in (dev,stage)", "env notin (prod)", "!app", "tier", "app="]
)
def test_what_does_not_select_them(text: str) -> None:
    assert not selects(parse_selector(text), LABELS)


@pytest.mark.parametrize("text", ["a+b", "a=b,", "=b", "a in b", "a=b c", "a\x1b=b", "a in (b", ",", "a=(b)"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageProblem, match="selects nothing by a label; type -l app=web") as caught:
        parse_selector(text)
    assert caught.value.message.isprintable()


def test_numbers_are_compared_by_the_api_server_alone() -> None:
    with pytest.raises(UsageProblem, match="compares numbers, which files cannot; type -l app=web"):
        parse_selector("size>1")
