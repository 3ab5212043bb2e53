"""Process 1 of an engine: it makes the namespaces, starts dockerd and waits.

When it ends, the kernel ends every process of its PID namespace: dockerd, containerd, every container.
Run as `python -m tests.docker_engine.supervisor STATE_DIRECTORY` by `engine.start`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from tests.cluster import cgroups
from tests.cluster.namespaces import (
    NEW_IPC,
    NEW_NETWORK,
    NEW_PID,
    mount_bind,
    mount_fresh,
    overlay_works,
    private_mounts,
    unshare,
)
from tests.cluster.processes import MARK, identity_of
from tests.cluster.shell import run
from tests.docker_engine import packages

HOST_ADDRESS = "10.204.0.1"  # of the engine's machine, as others of its network dial it
CLIENT_ADDRESS = "10.204.0.2"  # of the other machine there, which has no engine
TCP = f"tcp://{HOST_ADDRESS}:2376"  # with TLS, as its loopback has it
LOOPBACK = "tcp://127.0.0.1:2376"
TLS_FILES = (("cacert", "ca"), ("cert", "cert"), ("key", "key"))
SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/lo/disable_ipv6": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
}


def main() -> None:
    """Fork process 1, record who it is, and leave it alone."""
    state = Path(sys.argv[1])
    os.chdir("/")
    packages.docker()
    unshare(NEW_PID)
    child = os.fork()
    if child == 0:
        first_process(state)
    who = identity_of(child)
    assert who is not None
    (state / "supervisor.pid").write_text(f"{who.pid} {who.started}")


def first_process(state: Path) -> None:
    """Own namespaces, then dockerd until it ends."""
    try:
        unshare(NEW_NETWORK | NEW_IPC)
        private_mounts()
        cgroups.confine(group_of(state))
        run(["mount", "-t", "proc", "proc", "/proc"])
        network(state)
        serve(state)
    except BaseException:
        traceback.print_exc()
    (state / "failed").touch()
    os._exit(5)


def group_of(state: Path) -> str:
    """The engine's own cgroup in every tree."""
    return f"/kubectl-refused/{state.name}"


def network(state: Path) -> None:
    """Loopback, and one link to another machine, which is a network namespace with a process that waits."""
    for name, value in SETTINGS.items():
        path = Path("/proc/sys", name)
        if path.exists():
            path.write_text(value)
    environment, client = packages.environment(), other_machine()
    lines = [
        "link set lo up",
        f"link add eth0 type veth peer name eth1 netns {client}",
        f"address add {HOST_ADDRESS}/24 dev eth0",
        "link set eth0 up",
        "route add default via 10.204.0.254 dev eth0",
    ]
    run(["ip", "-batch", "-"], environment=environment, given="\n".join(lines) + "\n")
    there = ["link set lo up", f"address add {CLIENT_ADDRESS}/24 dev eth1", "link set eth1 up"]
    enter = ["nsenter", "-t", str(client), "--net", "--"]
    run([*enter, "ip", "-batch", "-"], environment=environment, given="\n".join(there) + "\n")
    (state / "client.pid").write_text(str(client))


def other_machine() -> int:
    """The pid, in this PID namespace, of a fork in a network namespace of its own."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        unshare(NEW_NETWORK)
        os.write(tell, b"n")
        while True:
            signal.pause()
    os.read(told, 1)
    return child


def serve(state: Path) -> None:
    """Start dockerd with everything in the state directory, and reap whatever ends."""
    driver = "overlay2" if overlay_works(state / "overlay-trial") else "vfs"
    # The machine's /run and /var/lib stay as they are; dockerd and containerd put sockets and locks there.
    shown = state / "run"
    shown.mkdir(exist_ok=True)
    mount_fresh("/run")
    mount_bind(shown, "/run")
    # As most systems have it, whatever this one does.
    hosts = state / "hosts"
    hosts.write_text("127.0.0.1 localhost\n::1 localhost\n")
    mount_bind(hosts, "/etc/hosts")
    argv = [
        *(
            "dockerd",
            "--data-root",
            state / "data",
            "--exec-root",
            state / "exec",
            "--pidfile",
            state / "dockerd.pid",
        ),
        *(
            "--host",
            f"unix://{state / 'docker.sock'}",
            "--host",
            TCP,
            "--host",
            LOOPBACK,
            "--tlsverify",
            *(f"--tls{name}={state / 'tls' / 'server' / file}.pem" for name, file in TLS_FILES),
            "--storage-driver",
            driver,
            "--oom-score-adjust",
            "0",
        ),
        *("--exec-opt", "native.cgroupdriver=cgroupfs", "--config-file", state / "daemon.json"),
    ]
    (state / "daemon.json").write_text("{}")
    with (state / "dockerd.log").open("ab") as log:
        environment = {**packages.environment(), MARK: str(state)}
        dockerd = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
        )
    while True:
        pid, _ = os.wait()
        if pid == dockerd.pid:
            return


if __name__ == "__main__":
    main()
