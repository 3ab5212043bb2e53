"""The Krew manifest of a release, made from its archives. The rules are Krew's: pkg/index/validation, download.

An archive holds a folder as PyInstaller makes it, with plain files only: Krew unpacks no links.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

NAME = "refused"
PROGRAM = "kubectl-refused"
SYSTEMS = ("linux", "darwin", "windows")
PROCESSORS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_FILE = re.compile(rf"{PROGRAM}_v(?P<version>[0-9.]+)_(?P<system>{'|'.join(SYSTEMS)})_(?P<processor>\w+)\.tar\.gz")
DESCRIPTION = """\
Walks Service, EndpointSlices, pods and processes, dials from inside the
cluster, and says who refuses a connection, why, and which one change makes
it work, with the proof beside every claim.

  kubectl refused svc/web -n shop
  kubectl refused scan -A
"""
CAVEATS = f"""\
Krew links no completion. For it, with a folder of your PATH:

  ln -s "$(command -v {PROGRAM})" ~/.local/bin/kubectl_complete-{NAME}

Unless --probe none is given it starts a short-lived pod, and deletes it.
"""


class Archive(NamedTuple):
    """One archive: for which system and processor, as Krew calls them, and its digest."""

    name: str
    version: str
    system: str
    processor: str
    digest: str


def archive_name(version: str, system: str, processor: str) -> str:
    """What the archive of a system is called."""
    return f"{PROGRAM}_v{version}_{system}_{processor}.tar.gz"


def pack(folder: Path, archive: Path) -> None:
    """Write the folder's content: sorted, without owners, times and links, so that it is the same each time."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", dereference=True) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def archives_in(folder: Path, version: str) -> list[Archive]:
    """The archives of a version that lie in a folder, by system."""
    found = []
    for path in sorted(folder.iterdir()):
        named = _FILE.fullmatch(path.name)
        if named and named["version"] == version:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found.append(Archive(path.name, version, named["system"], named["processor"], digest))
    return found


def manifest(archives: Iterable[Archive], version: str, url: str) -> str:
    """The manifest as YAML; `url` is the folder on the web from which the archives can be fetched."""
    made: dict[str, Any] = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": NAME},
        "spec": {
            "version": f"v{version}",
            "homepage": homepage(url),
            "shortDescription": "Say why a Service refuses TCP connections",
            "description": DESCRIPTION,
            "caveats": CAVEATS,
            "platforms": [_platform(archive, url) for archive in archives],
        },
    }
    return yaml.dump(made, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def homepage(url: str) -> str:
    """Where the project lives: what stands before a forge's path of downloads."""
    return re.sub(r"/(-/)?releases/.*", "", url)


def _platform(archive: Archive, url: str) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"os": archive.system, "arch": archive.processor}},
        "uri": f"{url.rstrip('/')}/{archive.name}",
        "sha256": archive.digest,
        "files": [{"from": "*", "to": "."}],
        "bin": f"{PROGRAM}.exe" if archive.system == "windows" else PROGRAM,
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, as people write them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
