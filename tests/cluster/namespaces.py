"""Linux namespaces and mounts, which Python 3.11's standard library cannot enter itself.

Sources: unshare(2), setns(2), mount_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.shell import run

NEW_MOUNT = 0x00020000
NEW_CGROUP = 0x02000000
NEW_IPC = 0x08000000
NEW_PID = 0x20000000
NEW_NETWORK = 0x40000000

_C = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process into fresh namespaces of the kinds in `flags` (a fresh PID one: its children)."""
    if _C.unshare(flags) != 0:
        raise ClusterError(f"unshare: {os.strerror(ctypes.get_errno())}; the cluster needs root")


def enter(path: Path) -> None:
    """Move this thread into the namespace that the file names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        if _C.setns(handle, 0) != 0:
            raise ClusterError(f"cannot enter {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)


def private_mounts() -> None:
    """A mount namespace of this process's own, from which nothing spreads to the machine's."""
    unshare(NEW_MOUNT)
    run(["mount", "--make-rprivate", "/"])


def mount_fresh(target: str) -> None:
    """An empty file system in memory over a directory that exists."""
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "kubectl-refused", target])


def mount_bind(source: Path, target: str | Path) -> None:
    """Show `source` at `target`, both of which exist."""
    run(["mount", "--bind", source, target])


def overlay_works(scratch: Path) -> bool:
    """Whether overlayfs can be mounted on this directory's file system (not on another overlay)."""
    parts = {name: scratch / name for name in ("lower", "upper", "work", "merged")}
    for path in parts.values():
        path.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
    mounted = run(["mount", "-t", "overlay", "-o", options, "overlay", parts["merged"]], check=False)
    if mounted.returncode == 0:
        run(["umount", parts["merged"]])
    return mounted.returncode == 0
