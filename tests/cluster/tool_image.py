"""The tool itself as an image for the cluster's nodes, made without any image builder.

What the Dockerfile does, with Debian's Python in place of the official image's: the packages of requirements.lock
by pip, and the checkout's own code. So manifests/job.yaml and cronjob.yaml run for real where no Docker is.
"""

from __future__ import annotations

import importlib.metadata
import io
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from tests.cluster import debian
from tests.cluster.cache import digest, once
from tests.cluster.images import (
    add_busybox,
    add_bytes,
    add_files,
    base_files,
    package_files,
    static_busybox,
    write_archive,
)
from tests.cluster.progress import long_step
from tests.cluster.shell import run

NAME = "localhost/kubectl-refused:test"
ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
PLACE = "opt/refused"
PIP_SECONDS = 300.0
# -I: neither the working directory nor the user's packages shall change what runs.
PROGRAM = f"""#!/usr/bin/python3 -I
import sys

sys.path.insert(0, "/{PLACE}")
from kubectl_refused.cli.start import main

sys.exit(main())
"""


def write_tool_image(target: Path) -> None:
    """Write the docker-archive of NAME to `target`."""
    files = dict(package_files(debian.python_root()))
    files |= {f"{PLACE}/{name}": path for name, path in packages().items()}
    code = ROOT / "kubectl_refused"
    files |= {f"{PLACE}/kubectl_refused/{name}": path for name, path in plain_files(code)}
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        base_files(tar)
        add_files(tar, files)
        add_bytes(tar, "usr/bin/kubectl-refused", PROGRAM.encode(), mode=0o755)
        add_busybox(tar, static_busybox(), files)
    write_archive(target, NAME, layer.getvalue(), ["kubectl-refused"])


def plain_files(root: Path) -> list[tuple[str, Path]]:
    """Every file below `root` as (relative path, path), without compiled code."""
    found = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return [(str(path.relative_to(root)), path) for path in found]


def packages() -> dict[str, Path]:
    """The files of the packages in requirements.lock, as (path below the image's place, path here).

    This venv has them at the same versions (requirements-dev.lock), and serves where its Python is the image's.
    """
    if debian.python_version() == f"{sys.version_info.major}.{sys.version_info.minor}":
        return dict(found for name in locked() for found in installed(name))
    return dict(plain_files(fetched()))


def locked() -> list[str]:
    """Names of the packages in requirements.lock that this system needs."""
    requirements = [Requirement(line) for line in re.findall(r"^[a-z][^\\\n]*", LOCK.read_text(), re.MULTILINE)]
    return [one.name for one in requirements if one.marker is None or one.marker.evaluate()]


def installed(name: str) -> Iterator[tuple[str, Path]]:
    """The files of an installed package that lie in site-packages, without compiled code."""
    for file in importlib.metadata.files(name) or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            yield str(file), Path(str(file.locate()))


def fetched() -> Path:
    """A directory with the packages, for the Python of the image."""
    version = debian.python_version()

    def make(fresh: Path) -> None:
        words = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
        words += ["--only-binary=:all:", "--python-version", version, "--target", str(fresh), "-r", str(LOCK)]
        with long_step("fetching the tool's packages", estimate=30):
            run([sys.executable, *words], timeout=PIP_SECONDS)

    return once("tool-packages", digest(LOCK.read_bytes(), version.encode()), make)
