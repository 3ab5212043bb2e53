"""Write docs/causes.md and the list of causes that the live suite makes for real.

    make docs

Both follow from the catalogue and from tests/live; a test fails when they are old.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from kubectl_refused import causes
from kubectl_refused.causes import Cause, catalogue
from kubectl_refused.causes.proofs import TESTED_LIVE, proven_by

from .rows import Row, rows

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "causes.md"
LIVE = ROOT / "tests" / "live"
DEMO = ROOT / "manifests" / "demo" / "expected.yaml"
LISTED = Path(causes.__file__).with_name(TESTED_LIVE)
HEAD = """# Causes

Written by `make docs`; do not edit. `kubectl refused explain CODE` prints the manual of each.

*Proven by* says which witnesses a cause hears: the API objects always; listening sockets, packets (dials, lookups,
port-forwards) and logs where it needs them. *Test* says where its case runs: `live`, broken for real on the live
suite's cluster; `recorded`, from what was seen or is documented elsewhere.

{told}

| code | name | what it is | proven by | test |
|---|---|---|---|---|
"""
ROWS_HEAD = """
## Row by row

Faults as people meet them, along the path: A name and address, B Service to endpoints, C nodes and policies, D pod
and process; E meshes and what leads into a cluster; F containers without Kubernetes. A cause may cover several of
them. *Test* is that of the row itself.

| row | what goes wrong | code | cause | proven by | test |
|---|---|---|---|---|---|
"""


def live_names() -> list[str]:
    """Causes whose name a live test or a live case expects."""
    files = [path for path in sorted(LIVE.rglob("*")) if path.suffix in (".py", ".yaml")]
    said = {word for path in [*files, DEMO] for word in _expectations(path.read_text(encoding="utf-8"))}
    return sorted(cause.slug for cause in catalogue() if cause.slug in said)


def live_codes() -> frozenset[str]:
    """Codes that the live suite names: so it says which dresses of a cause it makes."""
    return frozenset(code for path in LIVE.rglob("*.*") for code in _codes(path))


def _codes(path: Path) -> list[str]:
    return re.findall(r"\bKR\d{3}\b", path.read_text(encoding="utf-8")) if path.suffix in (".py", ".yaml") else []


def _expectations(text: str) -> list[str]:
    """What is expected of a run: words in quotes, and the root of a case file or of the demo's list."""
    return re.findall(r"\"([a-z0-9-]+)\"", text) + re.findall(r"\b(?:root|packets): *([a-z0-9-]+)", text)


def document(live: list[str]) -> str:
    """The table as Markdown."""
    lines = [_line(cause, live=cause.slug in live) for cause in catalogue()]
    told = f"{len(lines)} causes, {len(live)} of them made for real by the live suite."
    return HEAD.format(told=told) + "".join(lines) + _by_row(live)


def _line(cause: Cause, *, live: bool) -> str:
    title = cause.title.replace("|", "\\|")
    where = "live" if live else "recorded"
    return f"| {', '.join(cause.codes)} | {cause.slug} | {title} | {', '.join(proven_by(cause))} | {where} |\n"


def _by_row(live: list[str]) -> str:
    """The second table: one line for each row, also where no cause covers it."""
    dresses, every = live_codes(), rows()
    covered = sum(row.cause is not None for row in every)
    made = sum(_made_live(row, live, dresses) for row in every)
    told = f"\n{covered} of {len(every)} rows covered, {made} of them made for real by the live suite.\n"
    return ROWS_HEAD + "".join(_row(row, live=_made_live(row, live, dresses)) for row in every) + told


def _made_live(row: Row, live: list[str], dresses: frozenset[str]) -> bool:
    if row.cause is None or row.cause.slug not in live:
        return False
    return row.code == row.cause.code or row.code in dresses


def _row(row: Row, *, live: bool) -> str:
    if row.cause is None:
        return f"| {row.place} | {row.title} | {row.code} | not covered | | |\n"
    by, where = ", ".join(proven_by(row.cause)), "live" if live else "recorded"
    name = f"{row.cause.code} {row.cause.slug}" if row.code != row.cause.code else row.cause.slug
    return f"| {row.place} | {row.title} | {row.code} | {name} | {by} | {where} |\n"


def main() -> int:
    """Write both files."""
    live = live_names()
    DOCUMENT.write_text(document(live), encoding="utf-8")
    LISTED.write_text("".join(f"{name}\n" for name in live), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(ROOT)}: {len(catalogue())} causes, {len(live)} live")
    return 0


if __name__ == "__main__":
    sys.exit(main())
