"""`make lock`: write requirements-dev.lock and requirements.lock from pyproject.toml, for every system, hashed.

The second holds what the program itself needs, at the versions of the first: the image and the action install it.

The resolver is uv, from PyPI into the cache: the venv stays what the lock says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster import cache
from tools import virtualenv

UV = "uv>=0.8,<1"
SECONDS = 600.0
# Universal: one lock for Linux, macOS and Windows; 3.11: the oldest Python supported.
WORDS = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-header", "--no-annotate", "pyproject.toml"),
)
LOCKS = (
    ("--upgrade", "--extra", "dev", "-o", "requirements-dev.lock"),
    ("--constraints", "requirements-dev.lock", "-o", "requirements.lock"),
)
# uv has names of its own for what pip's users set.
SAME_SETTING = {
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
}


def uv() -> Path:
    """The uv program in the cache."""

    def fetch(fresh: Path) -> None:
        words = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(fresh), UV]
        subprocess.run([str(virtualenv.PYTHON), *words], check=True, timeout=SECONDS)

    return cache.once("uv", cache.digest(UV.encode()), fetch) / "bin" / "uv"


def main() -> int:
    """Make the venv (for its pip), then the locks."""
    code = virtualenv.main()
    if code != 0:
        return code
    own = {theirs: os.environ[name] for name, theirs in SAME_SETTING.items() if name in os.environ}
    environment = {**own, **os.environ}
    for words in LOCKS:
        argv = [str(uv()), *WORDS, *words]
        code = subprocess.run(argv, cwd=virtualenv.ROOT, env=environment, check=False, timeout=SECONDS).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
