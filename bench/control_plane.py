"""An API server and its etcd on loopback: no nodes, no controllers, no scheduler, so what is written stays.

Both die with the process that started them, and their files with the folder they were given.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import certificates, debian
from tests.cluster.apiclient import ApiClient
from tests.cluster.gobuild import kubernetes
from tests.cluster.options import ClusterOptions, Layout

NAME = "refused-scale"
START_SECONDS = 600.0  # of a busy machine; a quiet one takes five
END_SECONDS = 60.0
_PARENT_DIED = 1  # PR_SET_PDEATHSIG, prctl(2)
QUOTA_BYTES = 4 << 30
MEMORY = {"GOMEMLIMIT": "6GiB"}  # with 50,000 pods and too little time to collect garbage it took 18 GB


@dataclass
class ControlPlane:
    """The two processes, and the administrator's kubeconfig."""

    layout: Layout
    ports: tuple[int, int, int]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.layout.kubeconfig("admin")

    @property
    def data(self) -> Path:
        """What etcd has stored; whole only once it has ended."""
        return self.layout.state / "etcd"

    def client(self) -> ApiClient:
        """One with the administrator's rights."""
        return ApiClient(self.kubeconfig)

    def start(self) -> None:
        """Start both and wait until the API server says that it is ready."""
        self._run("etcd", self._etcd())
        self.start_api_server()

    def start_api_server(self) -> None:
        """Start it alone, on the port it had."""
        self._run("kube-apiserver", self._api_server())
        client, deadline = self.client(), time.monotonic() + START_SECONDS
        while not client.ready():
            if self.processes["kube-apiserver"].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the API server does not start: {self.layout.logs}/kube-apiserver.log")
            time.sleep(0.1)

    def end(self, *names: str) -> None:
        """End these, or both: the API server first, then etcd, which thereby writes all it has."""
        for name in names or ("kube-apiserver", "etcd"):
            process = self.processes.pop(name, None)
            if process:
                process.terminate()
                try:
                    process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _run(self, name: str, argv: Sequence[str | Path]) -> None:
        with (self.layout.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**debian.environment(), **MEMORY},
                cwd="/",
                preexec_fn=_die_with_parent,
            )

    def _etcd(self) -> list[str | Path]:
        _, client, peer = (f"http://127.0.0.1:{port}" for port in self.ports)
        argv: list[str | Path] = ["etcd", "--data-dir", self.data, "--unsafe-no-fsync", "--log-level", "warn"]
        argv += ["--listen-client-urls", client, "--advertise-client-urls", client]
        argv += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        argv += ["--initial-cluster", f"default={peer}", "--quota-backend-bytes", str(QUOTA_BYTES)]
        return argv

    def _api_server(self) -> list[str | Path]:
        pki = self.layout.certificates
        keys = pki / "service-accounts.key"
        flags: dict[str, object] = {
            "etcd-servers": f"http://127.0.0.1:{self.ports[1]}",
            "bind-address": "127.0.0.1",
            "advertise-address": "10.201.0.1",  # nobody dials it, but it must not be loopback
            "secure-port": self.ports[0],
            "service-cluster-ip-range": "10.96.0.0/12",
            "tls-cert-file": pki / "apiserver.crt",
            "tls-private-key-file": pki / "apiserver.key",
            "client-ca-file": pki / "ca.crt",
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "service-account-key-file": keys,
            "service-account-signing-key-file": keys,
            "authorization-mode": "RBAC",
            # No controller makes the accounts that pods would have to have.
            "disable-admission-plugins": "ServiceAccount",
            "endpoint-reconciler-type": "none",
            "profiling": "false",
        }
        return [kubernetes(), "kube-apiserver", *(f"--{name}={value}" for name, value in flags.items())]


@contextmanager
def control_plane(folder: Path, data: Path | None = None) -> Iterator[ControlPlane]:
    """One that runs for the length of a block, in `folder`, with a copy of etcd's `data` if given."""
    layout = Layout(ClusterOptions(name=NAME, nodes=1), folder / "state", 0)
    layout.logs.mkdir(parents=True)
    certificates.make(layout)
    plane = ControlPlane(layout, free_ports())
    certificates.write_kubeconfig(layout, "admin", f"https://127.0.0.1:{plane.ports[0]}")
    if data:
        shutil.copytree(data, plane.data)
    try:
        plane.start()
        yield plane
    finally:
        plane.end()


def free_ports() -> tuple[int, int, int]:
    """Three of loopback that nobody has now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    first, second, third = (one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    return first, second, third


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PARENT_DIED, signal.SIGKILL)
