"""What callers use: `up`, `down`, `find`, and a `Cluster` to work with.

```python
cluster = up(ClusterOptions(name="kr-dev"))
cluster.kubectl("get", "nodes")
down("kr-dev")
```
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import certificates, cgroups, debian, images, network
from tests.cluster.apiclient import ApiClient
from tests.cluster.cache import clusters_root, locked
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import kubernetes
from tests.cluster.node import IMPORT
from tests.cluster.options import ClusterOptions, Layout, load_layout, node_address, node_address_v6, state_of
from tests.cluster.processes import MARK, Identity, marked, wait_ended
from tests.cluster.progress import say
from tests.cluster.shell import run

__all__ = ["Cluster", "ClusterError", "ClusterOptions", "down", "find", "names", "up"]

CHECKOUT = Path(__file__).resolve().parents[2]
UP_LIMIT_SECONDS = 150.0
END_LIMIT_SECONDS = 20.0
# A process may be forking while it is looked for, so it is looked for again.
ROUNDS_AT_MOST = 10
KUBECTL_SECONDS = 60.0
LOG_TAIL = 15
IPV6_ADDRESSES = Path("/proc/net/if_inet6")


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up. Nodes are counted from 1 and named `node1`, `node2` and so on."""

    layout: Layout
    supervisor: Identity

    @property
    def name(self) -> str:
        return self.layout.options.name

    @property
    def options(self) -> ClusterOptions:
        return self.layout.options

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, which works from the host."""
        return self.layout.kubeconfig("admin")

    @property
    def node_names(self) -> tuple[str, ...]:
        return self.layout.node_names

    @property
    def logs(self) -> Path:
        """The directory with one log per program."""
        return self.layout.logs

    def node_address(self, number: int) -> str:
        """The address of node `number` inside the cluster."""
        return node_address(number)

    def node_address_v6(self, number: int) -> str:
        """The same in IPv6, on a dual-stack cluster."""
        return node_address_v6(number)

    def node_netns(self, number: int) -> Path:
        """A path for `nsenter --net=` or setns(2): the network namespace of node `number`."""
        return Path(f"/proc/{self.supervisor.pid}/root/run/netns/node{number}")

    def outer_netns(self) -> Path:
        """The same for the namespace with the bridge and the control plane."""
        return Path(f"/proc/{self.supervisor.pid}/ns/net")

    def kubectl(
        self,
        *words: str,
        input: str | None = None,
        check: bool = True,
        timeout: float = KUBECTL_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run the built kubectl as the administrator; `ClusterError` on failure unless `check` is off."""
        if words[0] == "apply":
            # Half of its time goes into the server's whole schema, which patches of built-in kinds do not need;
            # and a young server may take longer to compose that than kubectl waits for it.
            words = ("apply", "--openapi-patch=false", *words[1:])
        argv = [str(kubernetes()), "kubectl", f"--kubeconfig={self.kubeconfig}", *words]
        # Without HOME of its own kubectl would keep a discovery cache in the user's ~/.kube.
        home = self.layout.state / "home"
        home.mkdir(exist_ok=True)
        environment = {**os.environ, "HOME": str(home)}
        return run(argv, environment=environment, given=input, check=check, timeout=timeout)

    def apply(self, manifest: str, *, namespace: str) -> None:
        """Create or change the objects of a YAML or JSON text in the namespace."""
        words = ("apply", "-n", namespace, "-f", "-")
        try:
            self.kubectl(*words, input=manifest)
        except ClusterError as error:
            if "openapi" not in str(error):
                raise
            # A server that has just started may take longer to compose its schema than kubectl waits for it.
            self.kubectl(*words, input=manifest)

    def client(self) -> ApiClient:
        """A tiny client with the administrator's rights; quicker than kubectl by a factor of fifty."""
        return ApiClient(self.kubeconfig)

    def run_on_node(
        self, number: int, argv: Sequence[str | Path], *, given: bytes | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside node `number`: its files, network and process ids."""
        inside = (self.layout.state / f"node{number}.pid").read_text()
        outer = ["nsenter", f"--target={self.supervisor.pid}", "--pid", "--mount", "--net"]
        inner = ["nsenter", f"--target={inside}", "--mount", "--net"]
        return run([*outer, *inner, *argv], environment=debian.environment(), given=given, check=check)

    def load(self, archive: Path) -> None:
        """Import a docker-archive or OCI tar into every node's containerd."""
        content = archive.read_bytes()
        argv = [*IMPORT, "-"]
        with ThreadPoolExecutor(len(self.node_names)) as pool:
            numbers = range(1, len(self.node_names) + 1)
            list(pool.map(lambda number: self.run_on_node(number, argv, given=content), numbers))


def names() -> list[str]:
    """The clusters that have a state directory, up or not."""
    root = clusters_root()
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def find(name: str) -> Cluster | None:
    """The running cluster of that name, ready or still starting; None if there is none."""
    layout = load_layout(state_of(name))
    supervisor = supervisor_of(layout) if layout else None
    return Cluster(layout, supervisor) if layout and supervisor else None


def supervisor_of(layout: Layout) -> Identity | None:
    """The live process 1 of the cluster."""
    try:
        pid, started = (layout.state / "supervisor.pid").read_text().split()
    except (OSError, ValueError):
        return None
    who = Identity(int(pid), int(started))
    return who if who.alive() else None


def is_ready(cluster: Cluster) -> bool:
    """Whether the cluster has finished starting."""
    return (cluster.layout.marks / "ready").exists()


def up(options: ClusterOptions | None = None) -> Cluster:
    """Bring the cluster up, or find it up; returns when pods run and names resolve."""
    options = options or ClusterOptions()
    need_root()
    if options.dual_stack:
        need_ipv6()
    began = time.monotonic()
    fill_cache()
    with locked(f"cluster-{options.name}"):
        cluster = find(options.name)
        if cluster and not cluster.options.serves(options):
            raise ClusterError(f"cluster {options.name} is up as {cluster.options}; take it down first")
        if cluster is None:
            clear(options.name)
            cluster = launch(options)
        await_ready(cluster)
    say(f"cluster {options.name} is up after {time.monotonic() - began:.1f} s")
    return cluster


def down(name: str) -> None:
    """End the cluster and remove all it made; nothing to do is fine too."""
    need_root()
    with locked(f"cluster-{name}"):
        clear(name)


def need_root() -> None:
    """Namespaces, mounts and cgroups need root."""
    if os.geteuid() != 0:
        raise ClusterError("the embedded cluster needs root: run this with sudo")


def need_ipv6() -> None:
    """A dual-stack cluster needs a kernel that speaks IPv6 (booted without `ipv6.disable=1`)."""
    if not IPV6_ADDRESSES.exists():
        raise ClusterError(f"this kernel has no IPv6 ({IPV6_ADDRESSES} is absent): no dual-stack cluster here")


def fill_cache() -> None:
    """Build and download all that a cluster needs; quick when it is there already."""
    with ThreadPoolExecutor(2) as pool:
        # The downloads wait for the network while the build keeps the processors busy.
        built = pool.submit(kubernetes)
        pool.submit(images.archives).result()
        debian.tools()
        built.result()


def launch(options: ClusterOptions) -> Cluster:
    """Write the state of a new cluster and start its supervisor, which outlives this process."""
    with locked("indexes"):
        known = [load_layout(state_of(name)) for name in names()]
        index = network.free_index({layout.index for layout in known if layout})
        layout = Layout(options, state_of(options.name), index)
        layout.save()
    for directory in (layout.logs, layout.marks):
        directory.mkdir(exist_ok=True)
    certificates.make(layout)
    with (layout.logs / "supervisor.log").open("ab") as log:
        starter = subprocess.run(
            [sys.executable, "-m", "tests.cluster.supervisor", str(layout.state)],
            cwd=CHECKOUT,
            # Without LD_LIBRARY_PATH: this Python is the machine's, and so are its libraries.
            env={**os.environ, MARK: str(layout.state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            timeout=UP_LIMIT_SECONDS,
        )
    supervisor = supervisor_of(layout)
    if starter.returncode != 0 or supervisor is None:
        raise ClusterError(f"the cluster did not start:\n{tail(layout)}")
    return Cluster(layout, supervisor)


def await_ready(cluster: Cluster) -> None:
    """Wait until the supervisor says ready; its log's end says why not."""
    deadline = time.monotonic() + UP_LIMIT_SECONDS
    while not is_ready(cluster):
        failed = (cluster.layout.marks / "failed").exists() or not cluster.supervisor.alive()
        if failed or time.monotonic() > deadline:
            raise ClusterError(f"the cluster did not get ready:\n{tail(cluster.layout)}")
        time.sleep(0.05)


def tail(layout: Layout) -> str:
    """The last lines of the supervisor's log."""
    log = layout.logs / "supervisor.log"
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL:] if log.exists() else []
    return "\n".join([*lines, f"all logs: {layout.logs}"])


def clear(name: str) -> None:
    """Remove whatever there is of the cluster, however its start or end went."""
    state = state_of(name)
    layout = load_layout(state)
    end_processes(name, state, layout)
    if layout:
        network.unjoin_from_host(layout)
        left = cgroups.remove(layout.cgroup)
        if left:
            raise ClusterError(f"cgroups of cluster {name} stay busy: {left}")
    shutil.rmtree(state, ignore_errors=True)


def end_processes(name: str, state: Path, layout: Layout | None) -> None:
    """End process 1, and with it all others of the cluster; a killed `up` may have left its starter too."""
    for _ in range(ROUNDS_AT_MOST):
        found = {*marked(state), *filter(None, [supervisor_of(layout) if layout else None])}
        if not found:
            return
        for process in found:
            process.kill()
        wait_ended(list(found), seconds=END_LIMIT_SECONDS / ROUNDS_AT_MOST)
    raise ClusterError(f"processes of cluster {name} do not end: {sorted(one.pid for one in found)}")
