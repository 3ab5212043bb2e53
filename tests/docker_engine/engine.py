"""Start and end an engine, build its images, and run programs on its machine."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cgroups, images
from tests.cluster.cache import cache_root
from tests.cluster.errors import ClusterError
from tests.cluster.processes import MARK, Identity, marked, wait_ended
from tests.cluster.shell import run
from tests.docker_engine import certificates, packages
from tests.docker_engine.supervisor import HOST_ADDRESS, group_of

CHECKOUT = Path(__file__).parents[2]
START_SECONDS = 60.0
IMAGE = "localhost/busybox:1"
BARE = "localhost/bare:1"  # static busybox by the name of its applet httpd alone: no shell, no cat


@dataclass(frozen=True)
class Engine:
    """A running engine. `state` holds all it writes."""

    state: Path

    @property
    def host(self) -> str:
        """What DOCKER_HOST is to be."""
        return f"unix://{self.state / 'docker.sock'}"

    @property
    def first(self) -> Identity:
        """Its process 1."""
        pid, started = (self.state / "supervisor.pid").read_text().split()
        return Identity(int(pid), int(started))

    def enter(self) -> list[str]:
        """The words that run a program on the engine's machine: in its PID, network and mount namespaces."""
        return ["nsenter", "-t", str(self.first.pid), "--pid", "--net", "--mount", "--"]

    def enter_client(self) -> list[str]:
        """The words that run a program on the other machine of the engine's network."""
        client = (self.state / "client.pid").read_text()
        return [*self.enter(), "nsenter", "-t", client, "--net", "--"]

    def docker(self, *words: str, check: bool = True) -> str:
        """The output of Docker's own client."""
        done = run(["docker", "-H", self.host, *words], environment=self.environment(), check=check)
        return done.stdout.strip()

    def certificates(self, whose: str = "client") -> str:
        """The folder that DOCKER_CERT_PATH is to name; a `stranger` has his own authority's."""
        return str(self.state / "tls" / whose)

    def environment(self, **more: str) -> dict[str, str]:
        """Variables for a client of the engine."""
        return {**packages.environment(), "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.state), **more}

    def end(self) -> None:
        """End every process of it by its identity, then remove what it wrote. Raises ClusterError for a trace."""
        left = [self.first, *marked(self.state)]
        self.first.kill()
        if not wait_ended(left, seconds=20.0):
            raise ClusterError(f"an engine of {self.state} does not end")
        groups = cgroups.remove(group_of(self.state))
        shutil.rmtree(self.state)
        if groups:
            raise ClusterError(f"cgroups were left: {groups}")


def start(name: str) -> Engine:
    """An engine that answers and has the image. Raises ClusterError with the log's last lines."""
    state = cache_root() / "engines" / name
    state.mkdir(parents=True, exist_ok=True)
    packages.docker()
    certificates.make(state / "tls", (HOST_ADDRESS, "127.0.0.1"))
    with (state / "supervisor.log").open("ab") as log:
        subprocess.run(
            [sys.executable, "-m", "tests.docker_engine.supervisor", str(state)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=CHECKOUT,
            env={**os.environ, MARK: str(state)},
            timeout=START_SECONDS * 10,
        )
    engine = Engine(state)
    _await(engine)
    engine.docker("load", "-i", str(next(path for path in images.archives() if path.stem == "busybox")))
    _load_bare(engine)
    return engine


def _load_bare(engine: Engine) -> None:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        images.base_files(tar)
        images.add_bytes(tar, "httpd", images.static_busybox().read_bytes(), mode=0o755)
    archive = engine.state / "bare.tar"
    images.write_archive(archive, BARE, layer.getvalue(), ["/httpd", "-f", "-p", "8080"])
    engine.docker("load", "-i", str(archive))


def _await(engine: Engine) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not (engine.state / "failed").exists():
        if engine.docker("version", "--format", "{{.Server.Version}}", check=False):
            return
        time.sleep(0.1)
    logs = [(engine.state / f"{name}.log").read_text()[-1500:] for name in ("supervisor", "dockerd")]
    raise ClusterError("the engine does not answer: " + "\n".join(logs))
