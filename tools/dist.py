"""`make dist`: a folder with the program and its own Python, as an archive, for the system this runs on.

Several systems' archives in dist/ make one Krew manifest. PyInstaller comes from PyPI into the cache, as uv does
for `make lock`: the venv stays what the lock says (docs/decisions/0015).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kubectl_refused import __version__
from tests.cluster import cache
from tools import krew

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PYINSTALLER = "pyinstaller==6.22.3"
SECONDS = 900.0
# Of the venv's tools, what a library would take if it is there: setuptools alone costs each start 100 ms.
NOT_OURS = ("setuptools", "pkg_resources", "hypothesis", "mypy", "pytest", "_pytest", "jsonschema", "xmlschema")
# What it must be able to do with nothing of this checkout: data files, modules found by name, the C extensions.
TRIALS = (
    ("--version",),
    ("--help",),
    ("explain", "KR403"),
    ("causes", "-o", "json"),
    *(("-f", str(ROOT / "manifests" / "demo"), "-o", form, "--exit-zero") for form in ("wide", "junit", "html")),
)


class DistError(Exception):
    """The archive cannot be made; the text says why."""


def main() -> int:
    """Build, try and pack; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make dist", description="Build the archive of this system.")
    parser.add_argument("--url", default="", help="folder on the web that will hold the archives")
    url = parser.parse_args().url
    try:
        if url and not url.startswith("https://"):
            raise DistError(f"URL={url} is no https address; type URL=https://…/releases/download/v{__version__}")
        archive = build()
        say(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
        tell_manifest(url)
    except DistError as problem:
        say(str(problem))
        return 1
    return 0


def build() -> Path:
    """The archive of this system, from a program that has been tried."""
    DIST.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kubectl-refused-dist-") as work:
        folder = freeze(Path(work))
        shutil.copy(ROOT / "LICENSE", folder)
        for words in TRIALS:
            run([str(folder / program()), *words], f"the built program with {' '.join(words)}", cwd=Path(work))
        archive = DIST / krew.archive_name(__version__, *this_system())
        krew.pack(folder, archive)
    return archive


def freeze(work: Path) -> Path:
    """The folder that PyInstaller makes."""
    sources = ROOT / "kubectl_refused" / "probes"
    words = ["-m", "PyInstaller", "--onedir", "--noconfirm", "--log-level", "ERROR", "--name", krew.PROGRAM]
    words += ["--distpath", str(work / "dist"), "--workpath", str(work / "build"), "--specpath", str(work)]
    words += ["--paths", str(ROOT), "--collect-submodules", "kubectl_refused", "--collect-data", "kubectl_refused"]
    words += ["--copy-metadata", "junitparser"]  # it asks for its own version
    words += [f"--exclude-module={name}" for name in NOT_OURS]
    for agent in sorted(sources.glob("probe_*.py")):  # what is sent as text
        words.append(f"--add-data={agent}{os.pathsep}kubectl_refused/probes")
    say("building (some two minutes)")
    environment = {**os.environ, "PYTHONPATH": str(pyinstaller())}
    run([sys.executable, *words, str(ROOT / "tools" / "dist_start.py")], "PyInstaller", environment=environment)
    return work / "dist" / krew.PROGRAM


def pyinstaller() -> Path:
    """The folder with PyInstaller and what it needs, in the cache."""

    def fetch(fresh: Path) -> None:
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(fresh)]
        run([sys.executable, *words, PYINSTALLER], "pip install pyinstaller")

    key = f"{PYINSTALLER} {sys.version_info[:2]} {platform.machine()}"
    return cache.once("pyinstaller", cache.digest(key.encode()), fetch)


def tell_manifest(url: str) -> None:
    """Write the manifest of all archives that are there, where it is known from where people fetch them."""
    if not url:
        say(f"no Krew manifest: name the folder on the web, URL=https://…/releases/download/v{__version__}")
        return
    found = krew.archives_in(DIST, __version__)
    path = DIST / f"{krew.NAME}.yaml"
    path.write_text(krew.manifest(found, __version__, url), encoding="utf-8")
    for archive in found:
        (DIST / f"{archive.name}.sha256").write_text(f"{archive.digest}  {archive.name}\n", encoding="utf-8")
    say(f"{path} for {', '.join(f'{one.system}/{one.processor}' for one in found)}")


def this_system() -> tuple[str, str]:
    """The system and the processor of this machine, as Krew calls them."""
    system, machine = platform.system().lower(), platform.machine().lower()
    if system not in krew.SYSTEMS or machine not in krew.PROCESSORS:
        raise DistError(f"there is no Krew platform for {system} on {machine}")
    return system, krew.PROCESSORS[machine]


def program() -> str:
    """What the program's file is called here."""
    return f"{krew.PROGRAM}.exe" if os.name == "nt" else krew.PROGRAM


def run(argv: list[str], what: str, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    """Run a step to its end; what it said is shown only if it fails."""
    done = subprocess.run(
        argv, cwd=cwd, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode != 0:
        raise DistError(f"{what} failed (exit {done.returncode}):\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def say(text: str) -> None:
    """One line of progress on stderr."""
    print(f"dist: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
