"""Print a Makefile's targets with the remark behind each `##`: what `make help` shows."""

from __future__ import annotations

import re
import sys
from pathlib import Path

TARGET = re.compile(r"^(?P<name>[a-z][a-z-]*):[^#]*## (?P<about>.+)$", re.MULTILINE)


def targets(makefile: str) -> list[tuple[str, str]]:
    """Each documented target of a Makefile's text, in its order, and what it does."""
    return [(found["name"], found["about"]) for found in TARGET.finditer(makefile)]


if __name__ == "__main__":
    for name, about in targets(Path(sys.argv[1]).read_text()):
        print(f"  make {name:<13} {about}")
