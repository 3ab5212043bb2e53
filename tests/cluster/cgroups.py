"""A cgroup of the cluster's own in every tree, which the cluster takes for the root.

Containers' cgroups outlive their processes, so they must be removed by hand, and containerd
puts them under `/k8s.io` whoever runs it. In a cgroup namespace that is a directory of the
cluster's own group: `remove` finds everything, and clusters never meet.

Version 1 (a tree per controller) has been run for real; version 2 (one tree) has not.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.namespaces import NEW_CGROUP, mount_bind, unshare

WAIT_SECONDS = 5.0
# In version 2 a group that shares out controllers may hold no process itself ("no internal
# processes", cgroups(7)), so the supervisor moves one level down.
OWN_PROCESSES = "supervisor"
NEEDED = {"cpu", "cpuset", "memory", "pids"}


@dataclass(frozen=True)
class Tree:
    """One mounted cgroup tree."""

    root: Path
    version: int


def trees() -> list[Tree]:
    """Every mounted tree, whichever version (mountinfo: proc(5))."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind = after.split(" ", 1)[0]
        if kind in ("cgroup", "cgroup2"):
            found.append(Tree(Path(before.split(" ")[4]), 2 if kind == "cgroup2" else 1))
    return found


def confine(group: str) -> None:
    """Move this process into the group, make that its root, and show only that under /sys/fs/cgroup."""
    mine = trees()
    try:
        for tree in mine:
            enter_group(tree, group)
        unshare(NEW_CGROUP)
        for tree in mine:
            mount_bind(tree.root / group.lstrip("/"), tree.root)
            if tree.version == 2:
                step_down(tree)
    except OSError as error:
        raise ClusterError(f"cannot use cgroups here ({error}); a container needs --privileged") from error


def enter_group(tree: Tree, group: str) -> None:
    """Make the group, level by level, and move this process into it."""
    here = tree.root
    for name in Path(group.lstrip("/")).parts:
        if tree.version == 2:
            share_controllers(here)
        above, here = here, here / name
        here.mkdir(exist_ok=True)
        inherit_cpuset(above, here)
    # "0" is the writer itself: its pid here is another than in the machine's PID namespace.
    (here / "cgroup.procs").write_text("0")


def inherit_cpuset(above: Path, here: Path) -> None:
    """In version 1 a new cpuset is empty and takes no process until it has processors and memory."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        path = here / name
        if path.exists() and (here / "tasks").exists() and not path.read_text().strip():
            path.write_text((above / name).read_text())


def step_down(tree: Tree) -> None:
    """Version 2: free the group of processes, then let its children have the controllers."""
    own = tree.root / OWN_PROCESSES
    own.mkdir(exist_ok=True)
    (own / "cgroup.procs").write_text("0")
    share_controllers(tree.root)


def share_controllers(group: Path) -> None:
    """Version 2: let the group's children use every controller the group has."""
    for name in (group / "cgroup.controllers").read_text().split():
        try:
            (group / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError:
            # Such as `cpu` beside real-time processes; what the kubelet cannot do without is told.
            if name in NEEDED:
                raise


def remove(group: str) -> list[Path]:
    """Remove the group and all below it from every tree; what could not be removed is returned."""
    deadline = time.monotonic() + WAIT_SECONDS
    left = sweep(group)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = sweep(group)
    return left


def sweep(group: str) -> list[Path]:
    """One attempt; a group whose processes are still ending is busy for a moment."""
    left = []
    for tree in trees():
        top = tree.root / group.lstrip("/")
        for directory, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                left.append(Path(directory))
        remove_empty_parent(top.parent, tree.root)
    return left


def remove_empty_parent(parent: Path, root: Path) -> None:
    """Remove the directory all clusters share when the last of them is gone."""
    if parent != root and parent.is_dir() and not any(entry.is_dir() for entry in parent.iterdir()):
        parent.rmdir()
