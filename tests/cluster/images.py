"""The container images of the cluster, written as docker-archive tars without any registry.

`localhost/pause:1`, `localhost/busybox:1` (static busybox, a link per applet) and
`localhost/python:3` (a complete Python 3 from Debian packages, with busybox beside it).
An archive is `manifest.json`, a config and one layer, uncompressed since it travels nowhere:
https://github.com/moby/docker-image-spec
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster import debian
from tests.cluster.cache import digest, once
from tests.cluster.progress import say
from tests.cluster.shell import run

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
DIRECTORIES = (
    *("dev", "etc", "proc", "root", "run", "sys", "tmp", "var", "var/tmp"),
    *("usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"),
)
MERGED = ("bin", "sbin", "lib", "lib64")
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/bug")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@functools.cache
def archives() -> tuple[Path, ...]:
    """The tars of all images, built if the cache lacks them; each can be given to `load`."""

    def make(fresh: Path) -> None:
        say("building the images")
        busybox = static_busybox()
        write_image(fresh / "pause.tar", "localhost/pause:1", busybox, command=["/bin/sleep", "2147483647"])
        write_image(fresh / "busybox.tar", "localhost/busybox:1", busybox, command=["sh"])
        root = debian.python_root()
        write_image(fresh / "python.tar", "localhost/python:3", busybox, command=["python3"], root=root)

    key = digest(Path(__file__).read_bytes(), debian.release())
    return tuple(sorted(once("images", key, make).glob("*.tar")))


def static_busybox() -> Path:
    """The program, wherever this release's package has it."""
    places = (debian.tools() / "bin" / "busybox", debian.tools() / "usr" / "bin" / "busybox")
    return next((place for place in places if place.exists()), places[-1])


def write_image(target: Path, name: str, busybox: Path, *, command: list[str], root: Path | None = None) -> None:
    """Write one docker-archive: busybox and its applets over the files of `root`, if any."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        base_files(tar)
        taken = dict(package_files(root)) if root else {}
        add_files(tar, taken)
        add_busybox(tar, busybox, taken)
    write_archive(target, name, layer.getvalue(), command)


def base_files(tar: tarfile.TarFile) -> None:
    """The directories every root has, with one /usr as Debian has it, and the account files."""
    for directory in DIRECTORIES:
        entry = tarfile.TarInfo(directory)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory.endswith("tmp") else 0o755
        tar.addfile(entry)
    for name in MERGED:
        add_link(tar, name, f"usr/{name}")
    for name, text in ACCOUNTS.items():
        add_bytes(tar, name, text.encode(), mode=0o644)


def package_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file and link of the unpacked packages as (path in the image, path here)."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_dir() and not path.is_symlink():
            continue
        if name.split("/", 1)[0] in MERGED:
            name = f"usr/{name}"
        if not name.startswith(LEFT_OUT) and name not in ACCOUNTS:
            yield name, path


def add_files(tar: tarfile.TarFile, files: Mapping[str, Path]) -> None:
    """Add the files as root's, and `python3` for whatever version is there."""
    for name, path in files.items():
        entry = tar.gettarinfo(str(path), arcname=name)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        with path.open("rb") if entry.isreg() else io.BytesIO() as content:
            tar.addfile(entry, content)
    pythons = [name for name in files if name.startswith("usr/bin/python3.")]
    if pythons and "usr/bin/python3" not in files:
        add_link(tar, "usr/bin/python3", Path(pythons[0]).name)


def add_busybox(tar: tarfile.TarFile, busybox: Path, taken: Mapping[str, Path]) -> None:
    """Add busybox and a link for each applet whose name the packages leave free."""
    add_bytes(tar, "usr/bin/busybox", busybox.read_bytes(), mode=0o755)
    for applet in run([busybox, "--list"]).stdout.split():
        if f"usr/bin/{applet}" not in taken and applet != "busybox":
            add_link(tar, f"usr/bin/{applet}", "busybox")


def add_link(tar: tarfile.TarFile, name: str, to: str) -> None:
    """Add a symbolic link."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, to, 0o777
    tar.addfile(entry)


def add_bytes(tar: tarfile.TarFile, name: str, content: bytes, *, mode: int) -> None:
    """Add a file of root's with this content."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def write_archive(target: Path, name: str, layer: bytes, command: list[str]) -> None:
    """Write the layer, its config and the manifest in Docker's `save` format."""
    machine = platform.machine()
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Cmd": command, "Env": [f"PATH={PATH}"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    written = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(written).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(target, "w") as tar:
        add_bytes(tar, config_name, written, mode=0o644)
        add_bytes(tar, "layer.tar", layer, mode=0o644)
        add_bytes(tar, "manifest.json", json.dumps(manifest).encode(), mode=0o644)
