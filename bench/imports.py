"""What each path imports and how long that takes: `python -X importtime`, the median of some runs.

Which modules a path may load at all is a fact, and tests/cli/test_imports.py holds it; these are the milliseconds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.table import row

ROUNDS = 5
SHOWN = 4  # packages that take longest
MANIFEST = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
SECONDS = 60.0


def imports(environment: Mapping[str, str], folder: Path) -> None:
    """A row for each path: how much of it is importing, and what takes longest."""
    file = folder / "web.yaml"
    file.write_text(MANIFEST)
    paths: dict[str, Sequence[str]] = {
        "--version": ["--version"],
        "--help": ["--help"],
        "wrong usage": ["svc/a/b"],
        "explain KR403": ["explain", "KR403"],
        "HOST:PORT": ["127.0.0.1:9"],
        "-f FILE": ["-f", str(file)],
        "svc/NAME, no cluster": ["svc/web", "-s", "http://127.0.0.1:9", "--probe", "none"],
    }
    for what, words in paths.items():
        runs = [taken(words, environment) for _ in range(ROUNDS)]
        total = statistics.median(sum(run.values()) for run in runs)
        each = {name: statistics.median(run.get(name, 0.0) for run in runs) for name in runs[0]}
        longest = sorted(each.items(), key=lambda pair: -pair[1])[:SHOWN]
        parts = ", ".join(f"{name} {ms:.0f}" for name, ms in longest)
        row(f"imports of {what}", f"{total:.0f} ms", parts)


def taken(words: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds of importing by top-level package, each module's own time alone."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kubectl_refused", *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    found: dict[str, float] = defaultdict(float)
    for line in done.stderr.splitlines():
        own, bar, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and bar and own.strip().isdigit():
            name = rest.rpartition("|")[2].strip().partition(".")[0]
            found[name if name in _OURS_AND_LIBRARIES else "Python's own"] += int(own) / 1000
    return found


_OURS_AND_LIBRARIES = frozenset(
    ("kubectl_refused", "typer", "rich", "msgspec", "yaml", "_yaml", "urllib3", "kubernetes", "docker", "psutil")
)
