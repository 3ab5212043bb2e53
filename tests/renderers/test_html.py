"""`-o html`: one page that holds what others wrote as text, and needs nothing else (tests/browser looks at it)."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model.report import Report
from kubectl_refused.renderers.html_style import CSS, POLICY

from . import hostile, samples
from .streams import rendered, steering

unhurried = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
VOID = {"meta", "circle", "path", "rect", "line"}  # of SVG those that we close at once
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "article", "section", "div"),
    *(
        "h1",
        "h2",
        "h3",
        "p",
        "a",
        "ol",
        "ul",
        "li",
        "span",
        "small",
        "pre",
        "dl",
        "dt",
        "dd",
        "details",
        "summary",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "g", "circle", "path", "rect", "line", "text"),
}


class Reader(HTMLParser):
    """Tags, attributes and text; every tag is closed by its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


@unhurried
@given(report=st.one_of(hostile.diagnoses, hostile.lists), encoding=st.sampled_from(("utf-8", "ascii")))
def test_no_text_becomes_markup(report: Report, encoding: str) -> None:
    page = rendered(report, form="html", encoding=encoding)
    read = Reader(page)
    assert set(read.tags) <= TAGS
    assert read.open == []
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("src", "style")]
    assert all((value or "").startswith("#t") for name, value in read.attributes if name == "href")
    assert steering(page) == []


def test_the_policy_lets_the_style_in_and_nothing_else() -> None:
    page = rendered(samples.refused(), form="html")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == POLICY
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_it_tells_everything() -> None:
    said = "\n".join(Reader(rendered(samples.rejected(), form="html")).said)
    for told in (
        "svc/cart:80 is rejected: its selector matches no pod",
        "KR201 · proved",
        "breaks here",
        "Select tier=c0re (svc/cart)",
        samples.COMMAND,
        "deployment/cart has tier=c0re, 3 pods",
        "kubectl get pods -n NAMESPACE",
    ):
        assert told in said


@pytest.mark.parametrize(("make", "word"), [(samples.works, "works"), (samples.unknown, "could not be judged")])
def test_what_is_well_or_unknown_is_not_called_broken(make: object, word: str) -> None:
    assert callable(make)
    page = rendered(make(), form="html")
    assert word in page
    assert "breaks here" not in page


def test_a_comparison_is_a_table() -> None:
    said = Reader(rendered(samples.three_clients(), form="html")).said
    assert said.count("✗ timeout") == 4
    assert said.count("✓ accepted") == 8
