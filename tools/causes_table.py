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

"""


def live_names() -> list[str]:
    """Causes whose name a live test or a live case expects."""
    files = [path for path in sorted(LIVE.rglob("*")) if path.suffix in (".py", ".yaml")]
    said = {word for path in [*files, DEMO] for word in _expectations(path.read_text(encoding="utf-8"))}
    return sorted(cause.slug for cause in catalogue() if cause.slug in said)


def _expectations(text: str) -> list[str]:
    """What is expected of a run: words in quotes, and the root of a case file or of the demo's list."""
    return re.findall(r"\"([a-z0-9-]+)\"", text) + re.findall(r"\b(?:root|packets): *([a-z0-9-]+)", text)


def document(live: list[str]) -> str:
    """The table as Markdown."""
    rows = [_row(cause, live=cause.slug in live) for cause in catalogue()]
    told = f"{len(rows)} causes, {len(live)} of them made for real by the live suite.\n\n"
    return HEAD + told + "| code | name | what it is | proven by | test |\n|---|---|---|---|---|\n" + "".join(rows)


def _row(cause: Cause, *, live: bool) -> str:
    title = cause.title.replace("|", "\\|")
    where = "live" if live else "recorded"
    return f"| {cause.code} | {cause.slug} | {title} | {', '.join(proven_by(cause))} | {where} |\n"


def main() -> int:
    """Write both files."""
    live = live_names()
    DOCUMENT.write_text(document(live), encoding="utf-8")
    LISTED.write_text("".join(f"{name}\n" for name in live), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(ROOT)}: {len(catalogue())} causes, {len(live)} live")
    return 0


if __name__ == "__main__":
    sys.exit(main())
