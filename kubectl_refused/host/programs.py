"""Run a program of this machine that only reads, with a bound on its time and its output."""

from __future__ import annotations

import os
from collections.abc import Sequence

WITHIN = 5.0  # seconds
MOST_BYTES = 32 << 20
_ALSO_IN = ("/usr/sbin", "/sbin", "/usr/local/sbin")  # which a user's PATH may lack


def program(name: str) -> str:
    """Its path, empty where it is not installed."""
    import shutil  # brings every way to pack files

    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ALSO_IN])
    return shutil.which(name, path=path) or ""


def output(words: Sequence[str], within: float = WITHIN) -> tuple[str, str]:
    """What it wrote to stdout, and why it failed: empty where it did not."""
    import subprocess

    environment = os.environ | {"LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=within, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"it took longer than {within:g} s"
    except OSError as problem:
        return "", problem.strerror or "it cannot be started"
    text = done.stdout[:MOST_BYTES].decode(errors="replace")
    said = done.stderr[:2000].decode(errors="replace").strip().partition("\n")[0]
    return text, "" if done.returncode == 0 else said or f"it ended with {done.returncode}"
