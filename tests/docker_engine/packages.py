"""Docker out of Debian packages, unpacked into the cache beside the tools of the cluster; nothing is installed."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.cluster import debian
from tests.cluster.cache import once

PACKAGES = ("docker.io",)


@functools.cache
def docker() -> Path:
    """The root of the unpacked packages: `usr/sbin/dockerd`, `usr/sbin/docker-proxy`, `usr/bin/docker`."""

    def make(fresh: Path) -> None:
        libraries = debian.libraries_of(PACKAGES, without=debian.THE_MACHINES_OWN)
        debian.unpack([*PACKAGES, *libraries], into=fresh)

    return once("debian-docker", debian.recipe(PACKAGES), make)


def environment() -> dict[str, str]:
    """The variables with which dockerd, containerd, runc, iptables and `ip` run."""
    root, known = docker(), debian.environment()
    libraries = sorted({*root.glob("lib/*-linux-gnu*"), *root.glob("usr/lib/*-linux-gnu*")})
    places = f"{root / 'usr/sbin'}:{root / 'usr/bin'}"
    return {
        **known,
        "PATH": f"{places}:{known['PATH']}",
        "LD_LIBRARY_PATH": ":".join([*map(str, libraries), known["LD_LIBRARY_PATH"]]),
    }
