"""Podman behind Docker's API, beside an engine on its machine: Debian's packages, unpacked into the cache."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import debian, images
from tests.cluster.cache import once
from tests.cluster.errors import ClusterError
from tests.cluster.shell import run
from tests.docker_engine import packages
from tests.docker_engine.engine import Engine

PACKAGES = ("podman", "conmon", "netavark")
# What they need beyond Docker's libraries; their whole closure has 200 packages.
LIBRARIES = re.compile(r"^lib(subid|gpgme|assuan|glib2|seccomp|gpg-error|devmapper|btrfs|sqlite3)")
START_SECONDS = 30.0
# At most 50 characters; /run is the engine's own.
RUN = "/run/pods"
# Into the cgroups of the engine's machine: its mount namespace shows no others.
MOVE = 'for one in /sys/fs/cgroup/*/cgroup.procs; do echo $$ > "$one"; done 2>/dev/null; exec "$@"'


@functools.cache
def podman() -> Path:
    """The root of the unpacked packages."""

    def make(fresh: Path) -> None:
        libraries = debian.libraries_of(PACKAGES, without=debian.THE_MACHINES_OWN)
        debian.unpack([*PACKAGES, *(name for name in libraries if LIBRARIES.match(name))], into=fresh)

    return once("debian-podman", debian.recipe([*PACKAGES, LIBRARIES.pattern]), make)


@dataclass(frozen=True)
class Podman:
    """One on the engine's machine, with all it writes in a folder there."""

    engine: Engine

    @property
    def state(self) -> Path:
        return self.engine.state / "podman"

    @property
    def host(self) -> str:
        """What CONTAINER_HOST is to be."""
        return f"unix://{self.state / 'podman.sock'}"

    def environment(self) -> dict[str, str]:
        """Variables for its programs."""
        known, root = packages.environment(), podman()
        libraries = sorted({*root.glob("lib/*-linux-gnu*"), *root.glob("usr/lib/*-linux-gnu*")})
        return {
            **known,
            "PATH": f"{root / 'usr/bin'}:{known['PATH']}",
            "LD_LIBRARY_PATH": ":".join([*map(str, libraries), known["LD_LIBRARY_PATH"]]),
            "HOME": str(self.state),
            "CONTAINERS_CONF": str(self.state / "containers.conf"),
        }

    def words(self) -> list[str]:
        """The words that run it there."""
        enter = [*self.engine.enter()[:-1], "--cgroup", "--", "sh", "-c", MOVE, "sh"]
        places = ["--root", str(self.state / "root"), "--runroot", RUN, "--tmpdir", f"{RUN}-tmp"]
        return [*enter, "podman", *places, "--storage-driver", "vfs"]

    def podman(self, *words: str, check: bool = True) -> str:
        """The output of Podman's own client."""
        return run([*self.words(), *words], environment=self.environment(), check=check).stdout.strip()

    def write(self) -> None:
        """Its configuration; runc is told where its libraries are, as Podman keeps no variables for it."""
        own, root, environment = self.state / ".config" / "containers", podman(), self.environment()
        own.mkdir(parents=True)
        (own / "policy.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        (own / "registries.conf").touch()
        runc = shutil.which("runc", path=environment["PATH"])
        script = self.state / "runc"
        script.write_text(
            f'#!/bin/sh\nexport LD_LIBRARY_PATH="{environment["LD_LIBRARY_PATH"]}"\nexec {runc} "$@"\n'
        )
        script.chmod(0o755)
        helpers = json.dumps([str(root / place) for place in ("usr/lib/podman", "usr/libexec/podman")])
        (self.state / "containers.conf").write_text(
            f'[containers]\napparmor_profile=""\ncgroupns="host"\n'
            f'[network]\nnetwork_backend="netavark"\nnetwork_config_dir="{self.state / "networks"}"\n'
            # Locks in shared memory would be a file in the machine's own /dev/shm, and stay there.
            f'[engine]\nlock_type="file"\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
            f'conmon_path=["{root / "usr/bin/conmon"}"]\nhelper_binaries_dir={helpers}\n'
            f'[engine.runtimes]\nrunc=["{script}"]\n'
        )


@contextmanager
def serving(engine: Engine) -> Iterator[Podman]:
    """Podman with its API and the image; containers end with it."""
    made = Podman(engine)
    made.write()
    with (
        (made.state / "service.log").open("wb") as log,
        subprocess.Popen(
            [*made.words(), "system", "service", "-t", "0", made.host],
            env=made.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as service,
    ):
        try:
            _await(made, service)
            made.podman("load", "-i", str(next(path for path in images.archives() if path.stem == "busybox")))
            yield made
            made.podman("rm", "-af", check=False)
        finally:
            service.kill()


def _await(made: Podman, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (made.state / "podman.sock").exists():
        if service.poll() is not None or time.monotonic() > deadline:
            raise ClusterError(f"Podman does not serve: {(made.state / 'service.log').read_text()[-1500:]}")
        time.sleep(0.1)
