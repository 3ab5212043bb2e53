"""The program as a process, with no configuration of the machine's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 60.0


def environment(home: Path | str, **more: str) -> dict[str, str]:
    """The machine's environment without what leads to a cluster or through a proxy."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.lower().endswith("_proxy") and not key.startswith(("KUBE", "POD_"))
    }
    return {**kept, "HOME": str(home), **more}


def run(home: Path | str, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m kubectl_refused ARGUMENTS`; `more` are environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "kubectl_refused", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(home, **more),
    )
