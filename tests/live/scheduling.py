"""Which worker runs which live test: tests that share a place go to one worker, all others wherever there is room.

xdist's own way (`--dist loadgroup` with marks) groups nothing here: xdist 3.8 puts a group's name into
`Item._nodeid`, which pytest 9.2 does not read any more (seen with those two; no error, every test on its own).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[2]
BREAKABLE = "breakable"


class ByPlace(LoadScopeScheduling):  # type: ignore[misc]
    """Sends the tests of one place to one worker, the largest place first."""

    def _split_scope(self, nodeid: str) -> str:
        return place_of(nodeid) or nodeid


def place_of(nodeid: str) -> str:
    """The place that a test shares with others: its module's, or the one cluster to break; empty if it has none.

    Scattered over the workers, a module's place would be made once by each; and of the cluster that tests break
    there is only one. A module that runs on several clusters has a place on each.
    """
    file, _, test = nodeid.partition("::")
    name, _, parameters = test.partition("[")
    text = text_of(file)
    if re.search(rf"def {name}\([^)]*{BREAKABLE}", text):
        return BREAKABLE
    if 'scope="module"' not in text:
        return ""
    return " ".join([file, *(word for word in ("iptables", "dual") if word in parameters)])


@functools.cache
def text_of(file: str) -> str:
    """What stands in a test's file: the controller, who asks, collects no tests and knows no fixtures."""
    return (ROOT / file).read_text(encoding="utf-8")
