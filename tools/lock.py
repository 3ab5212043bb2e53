"""`make lock`: write requirements-dev.lock from pyproject.toml, for every system and with hashes.

The resolver is uv, from PyPI into the cache: the venv stays what the lock says.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cluster import cache
from tools import virtualenv

UV = "uv>=0.8,<1"
SECONDS = 600.0
# Universal: one lock for Linux, macOS and Windows; 3.11: the oldest Python supported.
WORDS = (
    "pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev"
    " pyproject.toml -o requirements-dev.lock --no-header --no-annotate --upgrade"
).split()


def uv() -> Path:
    """The uv program in the cache."""

    def fetch(fresh: Path) -> None:
        argv = [virtualenv.PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--target", fresh, UV]
        subprocess.run(argv, check=True, timeout=SECONDS)

    return cache.once("uv", cache.digest(UV.encode()), fetch) / "bin" / "uv"


def main() -> int:
    """Make the venv (for its pip), then the lock."""
    code = virtualenv.main()
    return code or subprocess.run([uv(), *WORDS], cwd=virtualenv.ROOT, check=False, timeout=SECONDS).returncode


if __name__ == "__main__":
    sys.exit(main())
