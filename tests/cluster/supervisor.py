"""Process 1 of a cluster: it makes the namespaces, starts everything, and keeps it running.

When it ends, the kernel ends every process of its PID namespace, and with them their network
and mount namespaces: that is why `down` leaves nothing even after a `kill -9` at any moment.
Run as `python -m tests.cluster.supervisor STATE_DIRECTORY` by `api.up`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.cluster import cgroups, controlplane, debian, dns, network, node, policy_enforcer
from tests.cluster.apiclient import ApiClient
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import kubernetes
from tests.cluster.images import archives
from tests.cluster.namespaces import (
    NEW_IPC,
    NEW_NETWORK,
    NEW_PID,
    enter,
    mount_bind,
    private_mounts,
    unshare,
)
from tests.cluster.options import Layout, load_layout, node_pod_range, node_pod_range_v6
from tests.cluster.processes import identity_of, stat_of
from tests.cluster.progress import say
from tests.cluster.shell import run

START_LIMIT_SECONDS = 120.0
REAP_INTERVAL_SECONDS = 1.0
# What the kubelet wants of the whole machine and would set: setupKernelTunables in
# pkg/kubelet/cm/container_manager_linux.go. It is shown these files instead.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def main() -> None:
    """Split into the parent, which stays in the machine's network, and process 1 of the cluster."""
    layout = load_layout(Path(sys.argv[1]))
    if layout is None:
        raise ClusterError(f"no cluster.json in {sys.argv[1]}")
    os.chdir("/")
    remember_cache()
    unshare(NEW_PID)
    told_read, told_write = os.pipe()
    heard_read, heard_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told_write)
        os.close(heard_read)
        first_process(layout, told_read, heard_write)
    os.close(told_read)
    os.close(heard_write)
    # Back: or the programs this process starts from here on would be children of the cluster.
    enter(Path("/proc/self/ns/pid"))
    introduce(layout, child, told_write, heard_read)


def remember_cache() -> None:
    """Look up now where everything lies: later there is no network to fetch it, and the checkout may change."""
    debian.tools()
    archives()
    kubernetes()


def introduce(layout: Layout, child: int, told: int, heard: int) -> None:
    """The parent's part: record who process 1 is, give it its link to the host, let it go on."""
    if os.read(heard, 1) != b"n":
        raise ClusterError("the cluster's first process ended at once")
    who = identity_of(child)
    if who is None:
        raise ClusterError("the cluster's first process is gone")
    (layout.state / "supervisor.pid").write_text(f"{who.pid} {who.started}")
    network.join_to_host(layout, child)
    os.write(told, b"g")


def first_process(layout: Layout, told: int, heard: int) -> None:
    """Process 1: own namespaces, then wait for the parent's word, then the cluster until it is ended."""
    try:
        unshare(NEW_NETWORK | NEW_IPC)
        private_mounts()
        cgroups.confine(layout.cgroup)
        os.write(heard, b"n")
        # An end of file instead of the word: the parent was killed, and so nobody knows us.
        if os.read(told, 1) != b"g":
            os._exit(4)
        serve(layout, nodes=prepare(layout))
    except BaseException:
        traceback.print_exc()
        (layout.marks / "failed").touch()
    os._exit(5)


def prepare(layout: Layout) -> list[int]:
    """The mounts, the network and the nodes' pids: forks of this process, made before it has threads."""
    run(["mount", "-t", "proc", "proc", "/proc"])
    fake_kernel_settings(layout)
    kept = node.keep_cache(Path("/run"))
    node.show_cache(kept)
    network.build(layout)
    say("network made")
    nodes = []
    for number in range(1, layout.options.nodes + 1):
        nodes.append(os.fork())
        if nodes[-1] == 0:
            be_node(layout, number)
    return nodes


def be_node(layout: Layout, number: int) -> None:
    """Never returns: the fork that is a node, whose failure fails the cluster's start."""
    (layout.state / f"node{number}.pid").write_text(str(os.getpid()))
    try:
        node.main(layout, number)
    except BaseException:
        traceback.print_exc()
        (layout.marks / "failed").touch()
    os._exit(6)


def fake_kernel_settings(layout: Layout) -> None:
    """Show the kubelets the machine-wide settings they want, and leave the real ones alone."""
    place = layout.state / "kernel-settings"
    place.mkdir(exist_ok=True)
    for name, value in KERNEL_SETTINGS.items():
        real = Path("/proc/sys", name)
        if real.exists():
            shown = place / name.replace("/", ".")
            shown.write_text(f"{value}\n")
            mount_bind(shown, real)


def serve(layout: Layout, *, nodes: list[int]) -> None:
    """Start the control plane, then what needs it; then reap orphans while all nodes live."""
    client = ApiClient(layout.kubeconfig("harness"))
    threading.Thread(target=guarded, args=(layout, lambda: start(layout, client)), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    dead: set[int] = set()
    while not any(os.waitpid(pid, os.WNOHANG)[0] for pid in nodes):
        dead = reap(dead - set(nodes))
        time.sleep(REAP_INTERVAL_SECONDS)
    raise ClusterError("a node's process has ended")


def guarded(layout: Layout, work: Callable[[], None]) -> None:
    """Do the work; if it fails, mark the cluster's start as failed."""
    try:
        work()
    except Exception:
        traceback.print_exc()
        (layout.marks / "failed").touch()


def reap(before: set[int]) -> set[int]:
    """Collect ended orphans (containerd's shims), which process 1 inherits; return today's dead.

    Only who was dead at the last look too: what this program started itself is collected at
    once by whoever waits for it, and must not be taken from under that.
    """
    dead = {child for child in children() if stat_of(child)[:1] == ["Z"]}
    for child in dead & before:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
    return dead


def children() -> list[int]:
    """The processes whose parent is this one."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [number for number in numbers if stat_of(number)[1:2] == [str(os.getpid())]]


def start(layout: Layout, client: ApiClient) -> None:
    """Bring the cluster to where pods run and names resolve, one mark per step."""
    controlplane.etcd(layout).start()
    controlplane.apiserver(layout).start()
    await_true(client.ready, "the API server")
    say("API server ready")
    controlplane.controller_manager(layout).start()
    controlplane.scheduler(layout).start()
    await_true(lambda: namespace_exists(client), "the namespace kube-system")
    for number, name in enumerate(layout.node_names, start=1):
        client.create("/api/v1/nodes", node_object(layout, name, number))
    (layout.marks / "apiserver").touch()
    dns.install(client)
    policy_enforcer.start(layout, client)
    await_true(lambda: all_ready(layout, client), "the nodes, the images and DNS")
    say("cluster ready")
    (layout.marks / "ready").touch()


def namespace_exists(client: ApiClient) -> bool:
    """The API server makes its own namespaces shortly after it is ready."""
    response = client.open("GET", "/api/v1/namespaces/kube-system")
    response.read()
    return response.status == 200


def node_object(layout: Layout, name: str, number: int) -> dict[str, object]:
    """A node with its pod range; its kubelet adopts the object and fills in the rest."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    ranges = [node_pod_range(number)] + [node_pod_range_v6(number)] * layout.options.dual_stack
    spec = {"podCIDR": ranges[0], "podCIDRs": ranges}
    return {"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec}


def all_ready(layout: Layout, client: ApiClient) -> bool:
    """Whether every node is ready and has its images, DNS answers, and pods can be created."""
    if not all((layout.marks / f"images-{name}").exists() for name in layout.node_names):
        return False
    nodes = client.call("GET", "/api/v1/nodes")["items"]
    conditions = [one for item in nodes for one in item.get("status", {}).get("conditions", [])]
    ready = [one for one in conditions if one["type"] == "Ready" and one["status"] == "True"]
    accounts = client.call("GET", "/api/v1/namespaces/default/serviceaccounts")["items"]
    return len(ready) == layout.options.nodes and bool(accounts) and dns.ready(client)


def await_true(question: Callable[[], bool], what: str) -> None:
    """Ask until the answer is yes; errors of a server that is starting count as no."""
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            if question():
                return
        except (OSError, http.client.HTTPException, ClusterError, ValueError):
            pass
        time.sleep(0.1)
    raise ClusterError(f"{what} did not get ready within {START_LIMIT_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
