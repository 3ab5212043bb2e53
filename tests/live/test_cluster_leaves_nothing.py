"""`down` leaves the machine as it was, also after an `up` that was killed at any moment.

Other clusters may come and go beside this test (other workers' own), so what belongs to
them is left out of the comparison: their links, which are numbered, and their cgroups.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import api, debian
from tests.cluster.api import ClusterOptions
from tests.cluster.cgroups import trees
from tests.cluster.options import state_of
from tests.cluster.shell import run
from tests.cluster.supervisor import KERNEL_SETTINGS

CHECKOUT = Path(__file__).resolve().parents[2]
SYSTEM_DIRECTORIES = ("/", "/etc", "/opt", "/run", "/run/netns", "/var/lib", "/var/log", "/usr/libexec", "/mnt")
SYSCTLS = (
    *KERNEL_SETTINGS,
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/default/rp_filter",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
)
OTHER_CLUSTERS = re.compile(r"\bkrhost\d+\b")
SUPERVISOR_SECONDS = 60.0
NAMESPACES = ("pid", "mnt", "net", "ipc", "cgroup")


@pytest.fixture
def name() -> Iterator[str]:
    """A name no other cluster has; whatever a failed test leaves of it is taken down."""
    chosen = f"trace-{secrets.token_hex(3)}"
    yield chosen
    api.down(chosen)


def machine() -> dict[str, object]:
    """What could be left behind, as it is now."""
    return {
        "mounts": sorted(Path("/proc/self/mountinfo").read_text().splitlines()),
        "links": without_clusters(network("ip", "-o", "link", "show")),
        "addresses": without_clusters(network("ip", "-o", "address", "show")),
        "routes": without_clusters(network("ip", "route", "show", "table", "all")),
        "rules": network("ip", "rule", "show"),
        "named network namespaces": network("ip", "netns", "list"),
        "firewall": network("nft", "list", "ruleset"),
        "old firewall tables": text_of(Path("/proc/net/ip_tables_names")),
        "settings": {one: text_of(Path("/proc/sys", one)) for one in SYSCTLS},
        "directories": {one: sorted(os.listdir(one)) for one in SYSTEM_DIRECTORIES if Path(one).is_dir()},
        "cgroups": [one for tree in trees() for one in groups(tree.root)],
    }


def network(*argv: str) -> list[str]:
    """The lines of a command's output."""
    return run(argv, environment=debian.environment()).stdout.splitlines()


def without_clusters(lines: list[str]) -> list[str]:
    """The lines that are about no cluster's link, less what changes by itself."""
    kept = [re.sub(r"(valid_lft|preferred_lft|expires) \S+", "", line) for line in lines]
    return sorted(line for line in kept if not OTHER_CLUSTERS.search(line))


def groups(root: Path) -> list[str]:
    """The cgroups at the top of a tree, where containerd and the kubelet would leave theirs."""
    return sorted(str(path) for path in root.iterdir() if path.is_dir() and path.name != "kubectl-refused")


def text_of(path: Path) -> str:
    """The text of a file; empty if it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""


def namespaces_of(pid: int) -> dict[str, str]:
    """The namespaces of a process, by kind."""
    return {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in NAMESPACES}


def inhabitants(namespaces: set[str]) -> list[int]:
    """The processes in any of the namespaces."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                theirs = set(namespaces_of(int(entry.name)).values())
            except OSError:
                continue
            if theirs & namespaces:
                found.append(int(entry.name))
    return found


def assert_nothing_left(name: str, before: dict[str, object]) -> None:
    """The machine is as before, and nothing carries the cluster's name or state directory."""
    after = machine()
    for what, was in before.items():
        assert after[what] == was, f"{what} differ"
    assert not state_of(name).exists()
    for tree in trees():
        assert not (tree.root / "kubectl-refused" / name).exists()
    assert not [pid for pid in pids() if str(state_of(name)) in command_line(pid)]


def pids() -> list[int]:
    """Every process but this one."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [number for number in numbers if number != os.getpid()]


def command_line(pid: int) -> str:
    """The command line of a process; empty if it has ended."""
    return text_of(Path(f"/proc/{pid}/cmdline"))


@pytest.mark.serial
def test_down_leaves_nothing_of_a_cluster_that_ran_pods(name: str) -> None:
    before = machine()
    cluster = api.up(ClusterOptions(name=name, nodes=1))
    own = set(namespaces_of(cluster.supervisor.pid).values()) - set(namespaces_of(os.getpid()).values())
    assert len(own) == len(NAMESPACES)
    cluster.kubectl("run", "app", "--image=localhost/busybox:1", "--", "sleep", "1000")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/app", "--timeout=30s")
    link = cluster.layout.host_link
    assert Path("/sys/class/net", link).exists()
    assert len(inhabitants(own)) > 10

    api.down(name)

    assert inhabitants(own) == []
    assert not Path("/sys/class/net", link).exists()
    assert_nothing_left(name, before)


# The moments fall into: the certificates, the split into namespaces, the API server's start.
@pytest.mark.serial
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.2, 4.0])
def test_down_leaves_nothing_after_an_up_that_was_killed(name: str, seconds: float) -> None:
    before = machine()
    argv = [sys.executable, "-m", "tests.cluster", "up", "--name", name]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        time.sleep(seconds)
        started.send_signal(signal.SIGKILL)

    api.down(name)

    assert_nothing_left(name, before)


@pytest.mark.serial
def test_an_up_that_was_killed_is_finished_by_the_next(name: str) -> None:
    argv = [sys.executable, "-m", "tests.cluster", "up", "--name", name, "--nodes", "1"]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        half = await_supervisor(name)
        started.send_signal(signal.SIGKILL)

    cluster = api.up(ClusterOptions(name=name, nodes=1))

    assert cluster.supervisor == half.supervisor
    assert "node1" in cluster.kubectl("get", "nodes", "-o", "name").stdout
    with pytest.raises(api.ClusterError, match="take it down first"):
        api.up(ClusterOptions(name=name, nodes=2))


def await_supervisor(name: str) -> api.Cluster:
    """The cluster as soon as its process 1 is known, which is long before it is ready."""
    deadline = time.monotonic() + SUPERVISOR_SECONDS
    while (found := api.find(name)) is None:
        assert time.monotonic() < deadline, f"cluster {name} got no supervisor"
        time.sleep(0.02)
    return found


def test_down_of_nothing_is_fine(name: str) -> None:
    api.down(name)
    assert api.find(name) is None
