"""The Krew manifest and its archives; Krew's own program judges them in tests/live/test_krew.py."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
import yaml

from tools import krew

URL = "https://forge.example/somebody/kubectl-refused/releases/download/v0.1.0"


def folder_in(tmp_path: Path) -> Path:
    built = tmp_path / "built"
    (built / "_internal").mkdir(parents=True)
    (built / "kubectl-refused").write_text("#!/bin/sh\n")
    (built / "kubectl-refused").chmod(0o755)
    (built / "_internal" / "data.json").write_text("{}")
    (built / "_internal" / "link.json").symlink_to("data.json")
    return built


def test_the_same_folder_gives_the_same_archive_without_links_and_owners(tmp_path: Path) -> None:
    built = folder_in(tmp_path)
    krew.pack(built, tmp_path / "first.tar.gz")
    for path in built.rglob("*"):
        if not path.is_symlink():
            path.touch()
    krew.pack(built, tmp_path / "other.tar.gz")
    with tarfile.open(tmp_path / "first.tar.gz") as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert set(entries) == {"_internal", "_internal/data.json", "_internal/link.json", "kubectl-refused"}
    assert all(entry.isfile() or entry.isdir() for entry in entries.values())
    assert {(entry.uid, entry.uname, entry.mtime) for entry in entries.values()} == {(0, "", 0)}
    assert (entries["kubectl-refused"].mode, entries["_internal/data.json"].mode) == (0o755, 0o644)
    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "other.tar.gz").read_bytes()


def test_the_manifest_names_every_archive_of_the_version(tmp_path: Path) -> None:
    for name in ("linux_amd64", "windows_amd64"):
        (tmp_path / f"kubectl-refused_v0.1.0_{name}.tar.gz").write_bytes(name.encode())
    for other in ("kubectl-refused_v0.0.9_linux_amd64", "kubectl-refused_v0.1.0_plan9_mips", "refused"):
        (tmp_path / f"{other}.tar.gz").write_text("x")
    made = yaml.safe_load(krew.manifest(krew.archives_in(tmp_path, "0.1.0"), "0.1.0", URL))
    linux, windows = made["spec"]["platforms"]
    assert (made["metadata"]["name"], made["spec"]["version"]) == ("refused", "v0.1.0")
    assert linux["selector"] == {"matchLabels": {"os": "linux", "arch": "amd64"}}
    assert linux["uri"] == f"{URL}/kubectl-refused_v0.1.0_linux_amd64.tar.gz"
    assert linux["sha256"] == hashlib.sha256(b"linux_amd64").hexdigest()
    assert (linux["bin"], windows["bin"]) == ("kubectl-refused", "kubectl-refused.exe")


@pytest.mark.parametrize(
    ("url", "home"),
    [
        (URL, "https://forge.example/somebody/kubectl-refused"),
        ("https://lab.example/a/b/-/releases/v1/downloads", "https://lab.example/a/b"),
        ("https://files.example/refused", "https://files.example/refused"),
    ],
)
def test_the_project_is_where_its_downloads_are(url: str, home: str) -> None:
    assert krew.homepage(url) == home


def test_texts_are_blocks_that_people_can_read() -> None:
    assert "  caveats: |\n    Krew links no completion." in krew.manifest([], "0.1.0", URL)
