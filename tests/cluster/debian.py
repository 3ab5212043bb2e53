"""Programs and libraries from Debian or Ubuntu packages, unpacked into the cache.

`apt-get download` and `dpkg -x` only: nothing is installed, so no package of the machine is
replaced, removed or started (Debian's containerd conflicts with Docker's, and installing
etcd-server starts a service). The programs find their libraries through LD_LIBRARY_PATH;
the C library is always the machine's own, because a foreign one needs its own loader.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.cache import cache_root, digest, locked, once
from tests.cluster.errors import ClusterError
from tests.cluster.progress import long_step, say
from tests.cluster.shell import run

TOOLS = (
    "etcd-server",
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iptables",
    "nftables",
    "iproute2",
    "conntrack",
    "ipset",
    "busybox-static",
    "openssl",
)
# Only libraries of the closure are taken: the rest (adduser, perl, pam) serves installation.
LIBRARY = re.compile(r"^(lib|zlib)")
NOT_NEEDED = re.compile(r"(-perl$|^libperl|^libpam|-bin$|-common$|^libdebian-installer|^libnewt|^libsemanage)")
THE_MACHINES_OWN = {"libc6", "libgcc-s1"}
DOWNLOAD_SECONDS = 600.0
# Raise it when the way of unpacking changes, so that nobody meets an older cache.
FORMAT = "1"
RELATIONS_LEFT_OUT = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
# Go collects garbage when the heap has grown by this much, in percent: at 100, its own choice, a cluster takes a
# quarter more CPU time and 250 MiB less memory.
GARBAGE_PERCENT = "400"


@functools.cache
def tools() -> Path:
    """The root of the unpacked tools: `usr/sbin/runc`, `usr/lib/cni/bridge` and so on lie under it."""

    def make(fresh: Path) -> None:
        packages = [*TOOLS, *libraries_of(TOOLS, without=THE_MACHINES_OWN)]
        unpack(packages, into=fresh)
        link_iptables(fresh)

    return once("debian-tools", recipe(TOOLS), make)


def link_iptables(root: Path) -> None:
    """Give iptables its plain names, which Debian makes on installation (update-alternatives)."""
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            (root / "usr" / "sbin" / f"{family}{suffix}").symlink_to("xtables-nft-multi")


@functools.cache
def python_root() -> Path:
    """The root of a complete Python 3 with its C library, for the image `localhost/python:3`."""

    def make(fresh: Path) -> None:
        version = python_version()
        named = [f"python{version}-minimal", f"libpython{version}-minimal", f"libpython{version}-stdlib"]
        packages = dict.fromkeys([*named, *libraries_of(named, without=set())])
        unpack(list(packages), into=fresh)

    return once("debian-python", recipe(["python3"]), make)


def recipe(packages: Sequence[str]) -> str:
    """The cache's key for these packages: what decides which files come of them."""
    words = [*packages, LIBRARY.pattern, NOT_NEEDED.pattern, FORMAT]
    return digest(release(), *(word.encode() for word in words))


def release() -> bytes:
    """What tells one distribution release from another; packages never cross releases."""
    path = Path("/etc/os-release")
    return path.read_bytes() if path.exists() else b""


def python_version() -> str:
    """The release's default Python, such as `3.11`."""
    found = re.search(r"Depends: python(3\.\d+)-minimal", apt("apt-cache", "depends", "python3-minimal"))
    if not found:
        raise ClusterError("apt-cache knows no python3-minimal; is this Debian or Ubuntu?")
    return found.group(1)


def libraries_of(packages: Sequence[str], *, without: set[str]) -> list[str]:
    """The library packages that the packages need, directly or not, in alphabetical order."""
    left_out = [f"--no-{relation}" for relation in RELATIONS_LEFT_OUT]
    listing = apt("apt-cache", "depends", "--recurse", *left_out, *packages)
    names = {line.strip() for line in listing.splitlines() if re.match(r"^[a-z0-9]", line)}
    names = {name for name in names if LIBRARY.search(name) and not NOT_NEEDED.search(name)}
    return sorted(names - without - set(packages))


def unpack(packages: Sequence[str], *, into: Path) -> None:
    """Download the packages and unpack them all under `into`."""
    store = into / ".archives"
    store.mkdir()
    with long_step(f"downloading {len(packages)} Debian packages", estimate=20):
        download(packages, store)
    for archive in sorted(store.glob("*.deb")):
        run(["dpkg", "-x", archive, into])
        archive.unlink()
    store.rmdir()


def download(packages: Sequence[str], store: Path) -> None:
    """Fetch into `store`; when the known versions are gone from the mirror, refresh and try once more."""
    options = ("-o", "APT::Sandbox::User=root")
    try:
        apt("apt-get", *options, "download", *packages, cwd=store)
    except ClusterError:
        refresh_lists()
        apt("apt-get", *options, "download", *packages, cwd=store)


def apt(*words: str, cwd: Path | None = None) -> str:
    """The output of an apt command that uses the private lists if there are any, else the machine's."""
    if not private_lists().exists() and not known_to_the_machine():
        refresh_lists()
    environment = dict(os.environ, LC_ALL="C")
    argv = [words[0], *private_options(), *words[1:]]
    return run(argv, environment=environment, timeout=DOWNLOAD_SECONDS, cwd=cwd).stdout


def known_to_the_machine() -> bool:
    """Whether the machine's own package lists name etcd-server; a fresh container has none."""
    return run(["apt-cache", "show", "etcd-server"], check=False).returncode == 0


def private_lists() -> Path:
    """The harness's own package lists, used when the machine's are empty or out of date."""
    return cache_root() / "apt" / digest(release())


def private_options() -> list[str]:
    """Apt's options for the private lists; none while the machine's serve."""
    return list_options(private_lists()) if private_lists().exists() else []


def list_options(place: Path) -> list[str]:
    """Apt's options for lists that lie there."""
    return ["-o", f"Dir::State::Lists={place / 'lists'}", "-o", f"Dir::Cache={place / 'cache'}"]


def refresh_lists() -> None:
    """Fetch package lists into the cache; the machine's own lists stay as they are."""
    say("fetching package lists into the cache")
    lists = private_lists()
    lists.parent.mkdir(parents=True, exist_ok=True)
    with locked("apt-lists"):
        fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=lists.parent))
        try:
            for part in ("lists/partial", "cache/archives/partial"):
                (fresh / part).mkdir(parents=True)
            # Without "any" apt-get succeeds with nothing fetched when the network is away.
            strict = ["-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any"]
            run(["apt-get", *list_options(fresh), *strict, "update"], timeout=DOWNLOAD_SECONDS)
            shutil.rmtree(lists, ignore_errors=True)
            fresh.rename(lists)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def environment() -> dict[str, str]:
    """The variables with which the unpacked programs run, for whoever starts one."""
    root = tools()
    places = ["usr/sbin", "usr/bin", "sbin", "bin"]
    libraries = sorted({*root.glob("lib/*-linux-gnu*"), *root.glob("usr/lib/*-linux-gnu*")})
    xtables = [str(path) for path in root.glob("usr/lib/*/xtables")]
    own = ":".join(str(root / place) for place in places)
    # sbin is missing from an ordinary user's PATH and from some sudo configurations.
    machine = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        **{name: os.environ[name] for name in ("HOME", "LANG", "TERM") if name in os.environ},
        "PATH": f"{own}:{machine}",
        "GOGC": GARBAGE_PERCENT,
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "XTABLES_LIBDIR": xtables[0] if xtables else "",
    }
