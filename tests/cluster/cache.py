"""Where the harness keeps what it downloads and builds, and the state of running clusters.

All of it is outside the checkout: a fresh clone finds what an earlier one built.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def cache_root() -> Path:
    """`$KUBECTL_REFUSED_CACHE`, or `kubectl-refused` in the user's cache directory."""
    chosen = os.environ.get("KUBECTL_REFUSED_CACHE")
    if chosen:
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "kubectl-refused"


def clusters_root() -> Path:
    """The directory that holds one state directory per cluster, named as the cluster."""
    return cache_root() / "clusters"


def digest(*parts: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of the parts, each with its length before it."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.hexdigest()[:16]


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the machine-wide lock of that name; the kernel frees it if this process dies."""
    path = cache_root() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def once(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The cached directory `kind/key`, filled by `make` into a fresh directory if absent.

    A killed `make` leaves no half-filled entry: the name appears by one rename. Callers keep
    the answer for their process's life: the sources a key is made of may change meanwhile.
    """
    target = cache_root() / kind / key
    with locked(f"{kind}-{key}"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=target.parent))
            fresh.chmod(0o755)
            try:
                make(fresh)
                fresh.rename(target)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return target
