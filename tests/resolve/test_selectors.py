"""Label selectors as people type them."""

from __future__ import annotations

import pytest

from kubectl_refused.errors import UsageProblem
from kubectl_refused.resolve.selectors import parse_selector
from kubectl_refused.trace.labels import selects

LABELS = {"app": "web", "env": "prod", "example.com/team": "shop"}


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
def test_what_selects(text: str) -> None:
    assert selects(parse_selector(text), LABELS)


@pytest.mark.parametrize(
    "text", ["app=db", "app!=web", "env in (dev,stage)", "env notin (prod)", "!app", "tier", "app="]
)
def test_what_does_not(text: str) -> None:
    assert not selects(parse_selector(text), LABELS)


@pytest.mark.parametrize("text", ["a+b", "a=b,", "=b", "a in b", "a=b c", "a\x1b=b", "a in (b", ",", "a=(b)"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageProblem, match="selects no labels; type app=web,tier!=db") as caught:
        parse_selector(text)
    assert caught.value.message.isprintable()
