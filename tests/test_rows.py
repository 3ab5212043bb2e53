"""Every row of faults between the Service's name and the process is covered by a cause (tools/rows.txt)."""

from __future__ import annotations

import re
from collections import Counter

from tools.rows import ROWS, rows


def test_every_row_is_covered() -> None:
    assert [row.place for row in rows() if row.cause is None] == []


def test_the_rows_are_complete_and_in_order() -> None:
    wanted = {"A": 12, "B": 30, "C": 19, "D": 24, "E": 32, "F": 20}
    told = [row.place for row in rows() if row.place[0] in wanted]
    assert told == [f"{s}{n}" for s, many in wanted.items() for n in range(1, many + 1)]
    counted = Counter(row.code[2] for row in rows() if row.place[0] in "ABCD")
    assert counted == {"1": 12, "2": 30, "3": 19, "4": 24}


def test_each_row_says_in_a_line_what_goes_wrong() -> None:
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"([A-D]\d+|E\d+ KR\d{3}|F\d+ KR6\d\d) \w[^|]*[^|.]", line)
        assert len(line) <= 100
