"""The one table that the bench makes: what, ours, the other's, their ratio, the target, pass or short."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import NamedTuple

HEAD = ("what", "ours", "the other's", "ratio", "target", "")
WIDTHS = (58, 24, 34, 7, 26, 5)
MEMORY = Path("/proc/meminfo")


class Row(NamedTuple):
    """One line. `verdict` is empty where there is no target."""

    what: str
    ours: str
    others: str
    ratio: str
    target: str
    verdict: str


ROWS: list[Row] = []


def row(
    what: str, ours: str, others: str = "", ratio: float | None = None, target: str = "", met: bool | None = None
) -> None:
    """Add a line to the table, and print it as far as it is."""
    verdict = {None: "", True: "pass", False: "short"}[met]
    ROWS.append(Row(what, ours, others, "" if ratio is None else f"{ratio:.2f}", target, verdict))
    print(line(ROWS[-1]), flush=True)


def line(words: Row | tuple[str, ...]) -> str:
    """Words under each other, also read as Markdown."""
    cells = (f"{word:{width}}" for word, width in zip(words, WIDTHS, strict=True))
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """All lines so far, as Markdown."""
    rule = tuple("-" * width for width in WIDTHS)
    return "\n".join([line(HEAD), line(rule), *map(line, ROWS)]) + "\n"


def machine() -> str:
    """What it was measured on."""
    kilobytes = next(
        (int(text.split()[1]) for text in MEMORY.read_text().splitlines() if text.startswith("MemTotal")), 0
    )
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    python = f"Python {platform.python_version()}"
    return (
        f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, {kilobytes >> 20} GiB, {python}; "
        f"load when it ended: {load}"
    )


def write(path: Path, command: str, day: str, remarks: str = "") -> None:
    """Keep the table as the last one, with what it was measured on."""
    head = f"# Results\n\n`{command}`, {day}. The machine: {machine()}.\n\n"
    path.write_text(head + table() + (f"\n{remarks}\n" if remarks else ""))
