"""Widths, wrapping and encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kubectl_refused.renderers.terminal_pen import Pen, cells, clip, wrap

# What `clean` leaves.
SHOWN = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")) | st.sampled_from(
    (" ", "漢", "\ufe0f")
)


def test_wide_characters_take_two_cells() -> None:
    assert cells("漢字") == 4
    assert cells("e\u0301") == 1
    assert wrap("漢字漢字", 5) == ["漢字", "漢字"]


@given(text=st.text(SHOWN), width=st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_words_are_broken_behind_a_separator() -> None:
    assert wrap("deployment/web-7d9f-x7k2p", 18) == ["deployment/web-", "7d9f-x7k2p"]
    assert wrap("a wwwwwwwwwwwwww", 10) == ["a", "wwwwwwwwww", "wwww"]


def test_runs_of_two_spaces_stay_within_a_line() -> None:
    assert Pen(80, False, "utf-8").text("RST   httpd\n\t listens ") == "RST  httpd  listens"
    assert wrap("RST  httpd", 20) == ["RST  httpd"]


def test_clipped_lines_end_in_a_mark() -> None:
    assert clip(["one", "two two", "three"], 2, "…") == ["one", "two t…"]
    assert clip(["one"], 2, "…") == ["one"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no-such-encoding"])
def test_folded_text_can_be_encoded(encoding: str) -> None:
    folded = Pen(80, False, encoding).fold("✗ é 漢 😀 …")
    assert folded.startswith("X ")
    assert folded.encode("latin-1")
    assert "\\u6f22 \\ud83d\\ude00 ..." in folded


def test_text_is_cut_unless_wide() -> None:
    assert Pen(80, False, "utf-8").text("w" * 700) == "w" * 599 + "…"
    assert Pen(80, False, "utf-8", wide=True).text("w" * 700) == "w" * 700
