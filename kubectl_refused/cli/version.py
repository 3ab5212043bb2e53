"""What --version prints."""

from __future__ import annotations

import sys


def write_version() -> int:
    """Write name and version to stdout; returns exit code 0."""
    from kubectl_refused import __version__

    sys.stdout.write(f"kubectl-refused {__version__}\n")
    return 0
