"""The clusters the demo can make: kind where Docker is, else the embedded one. Standard library only.

Both have names of their own and keep their kubeconfig out of the caller's.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tools.privilege import as_root, can_be_root

ROOT = Path(__file__).resolve().parent.parent
NAME = "refused-demo"
CHECK_SECONDS = 15.0
UP_SECONDS = 420.0
DOWN_SECONDS = 120.0
# Where there is no apt to build the images from, Docker's library has the like.
LIBRARY = {"localhost/busybox:1": "busybox:1", "localhost/python:3": "python:3-alpine"}


class NotAvailable(Exception):
    """This kind of cluster cannot be had here; the text says why."""


class DemoCluster(Protocol):
    """A cluster the demo makes and removes."""

    label: str
    needs_build: bool

    def check(self) -> None:
        """Raise NotAvailable where it is plain at once that it cannot be had."""

    def up(self) -> None:
        """Start it, or find the one an earlier run kept. Raises NotAvailable."""

    def down(self) -> None:
        """Remove all of it, started or half started."""

    def tour(self) -> list[str]:
        """The command that shows the shop on it."""

    def kubectl(self) -> str:
        """The words that run kubectl on it, for a person."""


class Embedded:
    """tests/cluster: two nodes in network namespaces of this machine."""

    label = "embedded"
    needs_build = True

    def check(self) -> None:
        """Linux, apt (its programs come from Debian's or Ubuntu's packages) and root."""
        if sys.platform != "linux":
            raise NotAvailable(f"the embedded cluster needs Linux, and this is {sys.platform}")
        if not shutil.which("apt-get"):
            raise NotAvailable("the embedded cluster needs apt-get (Debian or Ubuntu)")
        if not can_be_root():
            raise NotAvailable("the embedded cluster needs root or sudo")

    def up(self) -> None:
        """Start it; what its binary needs is built already."""
        if self._harness("up", seconds=UP_SECONDS) != 0:
            raise NotAvailable("the embedded cluster did not start; its reason is above")

    def down(self) -> None:
        """Also undoes a half-done `up`."""
        self._harness("down", seconds=DOWN_SECONDS)

    def _harness(self, verb: str, *, seconds: float) -> int:
        argv = [*as_root(), sys.executable, "-m", "tests.cluster", verb, "--name", NAME]
        return call(argv, seconds=seconds)

    def tour(self) -> list[str]:
        """As root: the kubeconfig and the binary are in root's cache."""
        words = ["--kubeconfig", self._kubeconfig(), "--kubectl", f"{self._binary()} kubectl"]
        return [*as_root(), ".venv/bin/python", "-m", "tools.tour", "live", *words]

    def kubectl(self) -> str:
        """With its kubeconfig named."""
        return shlex.join([*as_root()[:1], self._binary(), "kubectl", f"--kubeconfig={self._kubeconfig()}"])

    def _kubeconfig(self) -> str:
        return answer([*as_root(), sys.executable, "-m", "tests.cluster", "kubeconfig", "--name", NAME])

    def _binary(self) -> str:
        program = "from tests.cluster.gobuild import kubernetes; print(kubernetes())"
        return answer([*as_root(), sys.executable, "-c", program])


class Kind:
    """A kind cluster from kind-config.yaml, with the local images loaded into it."""

    label = "kind"
    needs_build = False

    def __init__(self, scratch: Path) -> None:
        self._config = scratch / "kind.kubeconfig"
        # kind writes to $KUBECONFIG or ~/.kube/config unless told otherwise at every call.
        self._own = ("--name", NAME, "--kubeconfig", str(self._config))

    def check(self) -> None:
        """kind, kubectl and a Docker that answers."""
        for program in ("docker", "kind", "kubectl"):
            if not shutil.which(program):
                raise NotAvailable(f"there is no {program}")
        if call(["docker", "info"], seconds=CHECK_SECONDS, quiet=True) != 0:
            raise NotAvailable("Docker is installed and does not answer")

    def up(self) -> None:
        """Create it, which fetches the node image where it is missing, or take the one that was kept."""
        if NAME in answer(["kind", "get", "clusters"]).split():
            made = call(["kind", "export", "kubeconfig", *self._own], seconds=CHECK_SECONDS)
        else:
            words = ("--config", str(ROOT / "kind-config.yaml"), "--wait", "180s")
            made = call(["kind", "create", "cluster", *self._own, *words], seconds=UP_SECONDS)
        if made != 0:
            raise NotAvailable("kind could not make its cluster (its node image must be there or pullable)")
        for load in self._loads():
            if call(["kind", "load", *load, "--name", NAME], seconds=UP_SECONDS) != 0:
                raise NotAvailable("kind could not load the shop's images")

    def _loads(self) -> list[list[str]]:
        """The words after `kind load` that bring the shop's images."""
        if shutil.which("apt-get"):
            program = "from tests.cluster.images import archives; print(*archives(), sep='\\n')"
            tars = answer([sys.executable, "-c", program], seconds=UP_SECONDS).splitlines()
            return [["image-archive", tar] for tar in tars if not tar.endswith("pause.tar")]
        for name, library in LIBRARY.items():
            if call(["docker", "image", "inspect", name], seconds=CHECK_SECONDS, quiet=True) != 0:
                call(["docker", "pull", library], seconds=UP_SECONDS)
                call(["docker", "tag", library, name], seconds=CHECK_SECONDS)
        return [["docker-image", name] for name in LIBRARY]

    def down(self) -> None:
        """kind removes its containers and its network."""
        call(["kind", "delete", "cluster", *self._own], seconds=DOWN_SECONDS)

    def tour(self) -> list[str]:
        """With the kubectl of this machine."""
        return [".venv/bin/python", "-m", "tools.tour", "live", "--kubeconfig", str(self._config)]

    def kubectl(self) -> str:
        """A person who keeps the cluster needs its kubeconfig elsewhere than in a scratch directory."""
        kept = Path.cwd() / ".venv" / "kind.kubeconfig"
        if self._config.exists():
            shutil.copyfile(self._config, kept)
            kept.chmod(0o600)
        return f"kubectl --kubeconfig={shlex.quote(str(kept))}"


def call(argv: Sequence[str], *, seconds: float, quiet: bool = False) -> int:
    """Run in the checkout, output shown unless quiet; the exit code, 124 after too long."""
    sink = subprocess.DEVNULL if quiet else sys.stderr
    try:
        return subprocess.run(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, timeout=seconds, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return 124


def answer(argv: Sequence[str], *, seconds: float = CHECK_SECONDS) -> str:
    """What the command prints, stripped; NotAvailable where it fails."""
    try:
        done = subprocess.run(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotAvailable(f"{argv[0]} gave no answer within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise NotAvailable(f"{os.path.basename(argv[0])} failed; its reason is above")
    return done.stdout.decode().strip()
