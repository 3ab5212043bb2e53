"""The page in a real Chromium: nothing runs, nothing is fetched, and a phone can show it, day and night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubectl_refused.model.report import DiagnosisList, Hop, Report
from tests.renderers import samples
from tests.renderers.streams import rendered

from .page import Page, browsing

pytestmark = pytest.mark.browser

PHONE, DESKTOP = 360, 1280
HOSTILE = (
    "<script>window.pwned=1</script>",
    "\"><img src='http://127.0.0.1:9/x' onerror='window.pwned=1'>",
    "</style></title><script src=//127.0.0.1:9/x></script>",
    "' onmouseover='window.pwned=1' x='",
    "--></svg><svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "w" * 400,
    "漢" * 90 + "\u202e\udc80\uffff",
)
# Colours that carry text, and the one behind them.
TEXTS = ("h1", "h2", ".context", ".tag", "summary", "summary small", "pre", "dd", "dt", "footer p, footer", "h3")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browsing() as opened:
        yield opened


def hostile() -> Report:
    """The samples with names and words that try to get out, everywhere."""
    text = msgspec.json.encode(samples.everything()).decode()
    told = msgspec.json.decode(text, type=DiagnosisList)
    items = []
    for number, item in enumerate(told.items):
        word = HOSTILE[number % len(HOSTILE)]
        hops = tuple(Hop(role="endpoint", label=word, status="broken", note=word) for _ in range(5))
        root = msgspec.structs.replace(samples.selector(), headline=word, says=word, where=word, name=word)
        paths = tuple(msgspec.structs.replace(p, hops=hops, root=root, vantage=word) for p in item.paths)
        matrices = tuple(msgspec.structs.replace(m, sentence=word) for m in item.matrices)
        changed = {"target": f"svc/{word}:80", "context": word, "namespace": word, "paths": paths}
        items.append(msgspec.structs.replace(item, matrices=matrices, **changed))
    return DiagnosisList(items=tuple(items))


def written(report: Report, folder: Path) -> Path:
    file = folder / "report.html"
    file.write_text(rendered(report, form="html"), encoding="utf-8")
    return file


def open_all(page: Page) -> None:
    page.value("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("make", [samples.everything, samples.led, hostile])
def test_nothing_runs_nothing_is_fetched_and_nothing_sticks_out(
    page: Page, tmp_path: Path, make: Any, width: int
) -> None:
    file = written(make(), tmp_path)
    page.open(file, width=width)
    open_all(page)
    assert page.value("typeof window.pwned") == "undefined"
    assert page.value("document.querySelectorAll('script, img, iframe, object, embed, link, form').length") == 0
    assert page.requests() == [file.as_uri()]
    assert page.complaints() == []
    assert page.value("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("make", [samples.refused, samples.led])
def test_the_broken_hop_is_seen(page: Page, tmp_path: Path, make: Any, width: int) -> None:
    page.open(written(make(), tmp_path), width=width)
    shown = "[...document.querySelectorAll('svg.path')].filter(s => s.getBoundingClientRect().width > 0)"
    assert page.value(f"{shown}.length") == 1
    assert "breaks here" in page.value(f"{shown}[0].textContent")
    sign = page.value(f"(r => [r.width, r.height, r.right])({shown}[0].querySelector('.sign.broken')"
                      ".getBoundingClientRect())")  # fmt: skip
    assert min(sign[:2]) >= 15
    assert sign[2] <= width
    dashes = f"getComputedStyle({shown}[0].querySelector('.way.broken')).strokeDasharray"
    assert page.value(dashes) != "none"  # not by colour alone
    assert page.value(f"parseFloat(getComputedStyle({shown}[0].querySelector('.label')).fontSize)") >= 12


def test_evidence_unfolds(page: Page, tmp_path: Path) -> None:
    page.open(written(samples.refused(), tmp_path), width=PHONE)
    seen = "document.querySelector('details dd').checkVisibility()"
    assert page.value(seen) is False
    page.value("document.querySelector('summary').click()")
    assert page.value(seen) is True


def test_day_and_night_differ_and_both_can_be_read(page: Page, tmp_path: Path) -> None:
    page.open(written(samples.rejected(), tmp_path), width=DESKTOP)
    open_all(page)
    grounds = []
    for dark in (False, True):
        page.show(width=DESKTOP, dark=dark)
        grounds.append(page.value("getComputedStyle(document.body).backgroundColor"))
        for selector in TEXTS:
            assert contrast(page, selector) >= 4.5, (selector, dark)  # WCAG 2.2, 1.4.3
    assert brightness(colour(grounds[0])) > 0.8
    assert brightness(colour(grounds[1])) < 0.1


def contrast(page: Page, selector: str) -> float:
    """Of the text of an element against what is painted behind it (WCAG 2.2, contrast ratio)."""
    behind = """(e => {
        while (e && getComputedStyle(e).backgroundColor === 'rgba(0, 0, 0, 0)') e = e.parentElement;
        return getComputedStyle(e || document.body).backgroundColor })"""
    element = f"document.querySelector({selector!r})"
    text, ground = page.value(f"getComputedStyle({element}).color"), page.value(f"{behind}({element})")
    dark, light = sorted(brightness(colour(c)) for c in (text, ground))
    return (light + 0.05) / (dark + 0.05)


def colour(told: str) -> list[int]:
    """`rgb(1, 2, 3)` as numbers."""
    return [int(part) for part in told.removeprefix("rgb(").removesuffix(")").split(",")]


def brightness(parts: list[int]) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
