"""`-o markdown`: nothing of what others wrote becomes markup, a link or a mention."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kubectl_refused.model.report import Diagnosis, DiagnosisList, Report
from kubectl_refused.renderers.as_markdown import LARGEST, markdown
from kubectl_refused.renderers.markdown_text import block, in_html, inline

from . import hostile, samples
from .streams import rendered
from .test_sarif import with_source

unhurried = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_TAGS = {
    *("p", "strong", "h3", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"),
    *("details", "summary", "sub"),
}
LINKED = (r"@[\w]", r"#\d", r"://\S", r"(?i)\bwww\.\w", r"(?i)\bgh-\d")


def shown(text: str) -> str:
    """The page without its code blocks, in which nothing is linked."""
    return re.sub(r"<pre>.*?</pre>", "", GITHUB.render(text), flags=re.S)


def tags(page: str) -> set[str]:
    return {name.lower() for name in re.findall(r"<([A-Za-z][A-Za-z0-9]*)", page)}


@unhurried
@given(report=st.one_of(hostile.diagnoses, hostile.lists), encoding=st.sampled_from(("utf-8", "ascii")))
def test_no_text_breaks_out(report: Report, encoding: str) -> None:
    page = GITHUB.render(rendered(report, form="markdown", encoding=encoding))
    assert tags(page) <= OUR_TAGS
    assert page.count("<details>") == page.count("</details>") == page.count("<summary>")


@unhurried
@given(report=hostile.diagnoses)
def test_nobody_is_mentioned_and_nothing_linked(report: Diagnosis) -> None:
    page = shown(rendered(report, form="markdown"))
    texts = re.split(r"<!-- -->|<[^>]*>", page)
    assert [text for text in texts for pattern in LINKED if re.search(pattern, text)] == []


@pytest.mark.parametrize(
    "text",
    ["`a`", "*a* _b_ __c__", "[a](https://evil.test)", "a | b", "<b>a</b>", "~~a~~", "\\*a*", "&lt;", "$x$"],
)
def test_it_reads_as_it_was_written(text: str) -> None:
    page = GITHUB.renderInline(inline(text)).replace("<!-- -->", "")
    assert "<" not in page
    assert page.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&") == text
    assert "<b" not in in_html(text)


@given(text=st.text(st.sampled_from("`~\n a"), max_size=30))
def test_code_keeps_within_its_fence(text: str) -> None:
    tokens = GITHUB.parse("\n".join(block(text)))
    assert [token.type for token in tokens] == ["fence"]


def test_a_comment_tells_verdict_path_proof_and_fix() -> None:
    text = rendered(samples.rejected(), form="markdown")
    assert text.startswith("❌ **svc/cart:80 is rejected: its selector matches no pod**\n")
    assert f"```sh\n{samples.COMMAND}\n```" in text
    assert "─✗─ no endpoints\n     ICMP port unreachable" in text
    assert "| nearest | deployment/cart has tier=c0re, 3 pods " in text
    assert "At shop.yaml:7\n" in rendered(with_source("shop.yaml", 7), form="markdown")


def test_several_have_a_headline() -> None:
    text = rendered(samples.everything(), form="markdown")
    assert text.startswith("### 12 targets: 2 are refused, 1 is rejected, ")
    assert text.count("the same") == 0


@pytest.mark.parametrize("most", [300, 2000, 20_000, LARGEST])
def test_it_stays_within_its_limit_and_says_so(most: int) -> None:
    report = DiagnosisList(items=tuple(msgspec.structs.replace(d) for d in samples.everything().items * 40))
    text = markdown(report, most)
    assert len(text.encode()) <= most
    assert text.startswith("### 480 targets: ")
    assert re.search(r"… and \d+ more, which `-o wide` tells\n$", text)
    assert GITHUB.render(text).count("<details>") == GITHUB.render(text).count("</details>")
