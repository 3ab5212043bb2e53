"""The Krew manifest goes through Krew itself, which checks, unpacks, links. No cluster, but Go to build Krew."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_refused import __version__
from tests.cluster.gobuild import krew as krew_program
from tests.cluster.gobuild import kubectl_in
from tools import krew

URL = f"https://forge.example/somebody/kubectl-refused/releases/download/v{__version__}"
SECONDS = 60.0
SCRIPT = '#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/_internal/lib.so.1"'
PLATFORMS = [("linux", "amd64"), ("linux", "arm64"), ("darwin", "arm64"), ("windows", "amd64")]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A dist/ with an archive for each system, of a folder as PyInstaller makes it, but small."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for system, processor in PLATFORMS:
        built = tmp_path / f"{system}-{processor}"
        (built / "_internal").mkdir(parents=True)
        name = krew.PROGRAM + (".exe" if system == "windows" else "")
        (built / name).write_text(f"{SCRIPT} # {system}\n")
        (built / name).chmod(0o755)
        (built / "LICENSE").write_text("Apache-2.0\n")
        (built / "_internal" / "lib.so.1.2").write_text("it runs\n")
        (built / "_internal" / "lib.so.1").symlink_to("lib.so.1.2")
        krew.pack(built, folder / krew.archive_name(__version__, system, processor))
    return folder


def written(dist: Path, change: Callable[[dict[str, Any]], object] = lambda manifest: None) -> Path:
    """The manifest of dist/, changed."""
    text = krew.manifest(krew.archives_in(dist, __version__), __version__, URL)
    document = yaml.safe_load(text)
    change(document)
    path = dist / "refused.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def install(dist: Path, manifest: Path, system: str, processor: str) -> subprocess.CompletedProcess[str]:
    """What `kubectl krew install` makes of a manifest on that system, with the archive at hand."""
    archive = dist / krew.archive_name(__version__, system, processor)
    environment = {
        "HOME": str(dist),
        "PATH": os.environ["PATH"],
        "KREW_ROOT": str(dist / f"root-{system}-{processor}"),
        "KREW_OS": system,
        "KREW_ARCH": processor,
        "KREW_NO_UPGRADE_CHECK": "1",
    }
    words: list[str | Path] = [krew_program(), "install", f"--manifest={manifest}", f"--archive={archive}"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.parametrize(("system", "processor"), PLATFORMS)
def test_krew_installs_it_on_each_system(dist: Path, system: str, processor: str) -> None:
    done = install(dist, written(dist), system, processor)
    assert done.returncode == 0, done.stderr
    assert "Installed plugin: refused" in done.stderr
    assert krew.CAVEATS.splitlines()[0] in done.stderr
    store = dist / f"root-{system}-{processor}" / "store" / "refused" / f"v{__version__}"
    assert {path.name for path in store.iterdir()} >= {"LICENSE", "_internal"}


def test_kubectl_runs_what_krew_has_linked(dist: Path, tmp_path: Path) -> None:
    assert install(dist, written(dist), "linux", "amd64").returncode == 0
    linked = dist / "root-linux-amd64" / "bin"
    kubectl_in(tmp_path)
    environment = {"PATH": f"{tmp_path}:{linked}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(["kubectl", "refused"], env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, "it runs\n"), done.stderr


def _other_digest(manifest: dict[str, Any]) -> None:
    manifest["spec"]["platforms"][0]["sha256"] = "0" * 64


def _other_bin(manifest: dict[str, Any]) -> None:
    for platform in manifest["spec"]["platforms"]:
        platform["bin"] = "refused"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_other_digest, "checksum"),
        (_other_bin, "no such file"),
        (lambda made: made["metadata"].update(name="re fused"), "name"),
        (lambda made: made["spec"].update(version=__version__), "version"),
        (lambda made: made["spec"].pop("shortDescription"), "short description"),
        (lambda made: made["spec"]["platforms"][0].pop("uri"), "uri"),
        (lambda made: made["spec"]["platforms"][0].update(files=[]), "files"),
        (lambda made: made["spec"]["platforms"][0]["selector"]["matchLabels"].update(libc="musl"), "libc"),
    ],
)
def test_krew_would_refuse_what_is_wrong(dist: Path, change: Any, says: str) -> None:
    """So that its silence about ours means something."""
    system, processor = krew.archives_in(dist, __version__)[0][2:4]
    done = install(dist, written(dist, change), system, processor)
    assert done.returncode != 0
    assert says.lower() in done.stderr.lower()


def test_the_program_stays_executable_and_nothing_else_is(dist: Path) -> None:
    assert install(dist, written(dist), "linux", "amd64").returncode == 0
    store = dist / "root-linux-amd64" / "store" / "refused" / f"v{__version__}"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o111 for path in store.rglob("*") if path.is_file()}
    assert modes["kubectl-refused"]
    assert not modes["LICENSE"]
    assert not (store / "_internal" / "lib.so.1").is_symlink()
