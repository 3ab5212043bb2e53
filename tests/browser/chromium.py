"""A Chromium to look at pages with: the machine's own, or Debian's headless shell, unpacked into the cache."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.cluster import cache, debian

NAMES = ("chromium", "chromium-headless-shell", "google-chrome", "google-chrome-stable", "chromium-browser")
PACKAGES = ("chromium-headless-shell", "chromium-common")
FONTS = ("fonts-dejavu-core", "fonts-liberation")
# Drivers of graphics cards and what they are compiled with, half of the download: pages are drawn by the CPU here.
_DRIVERS = re.compile(r"^lib(llvm|z3|gl1-mesa|glx-mesa|icu|xml2|drm-|sensors|elf|pciaccess)")
START_SECONDS = 60.0
# The harness runs as root in CI, where Chromium's sandbox does not start; the page is our own, and a local file.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


class Chromium(NamedTuple):
    """A program, folders of its libraries and of fonts; empty where it uses the machine's own."""

    program: str
    libraries: str = ""
    fonts: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Variables that replace those of the machine."""
        return {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}


@functools.cache
def chromium() -> Chromium:
    """The machine's own browser if it starts, else the unpacked one. Raises ClusterError where neither can be."""
    own = (shutil.which(name) for name in NAMES)
    return next((Chromium(path) for path in own if path and _starts(path)), None) or unpacked()


def unpacked() -> Chromium:
    """Debian's headless shell, which has no window and needs a third of the libraries."""

    def make(fresh: Path) -> None:
        libraries = debian.libraries_of(PACKAGES, without=debian.THE_MACHINES_OWN)
        debian.unpack([*PACKAGES, *(n for n in libraries if not _DRIVERS.search(n)), *FONTS], into=fresh)

    root = cache.once("debian-chromium", debian.recipe([*PACKAGES, *FONTS, _DRIVERS.pattern]), make)
    found = (path for folder in ("lib", "usr/lib") for path in (root / folder).glob("*-linux-gnu*/**/*.so*"))
    places = {path.parent for path in found}
    program = root / "usr" / "lib" / "chromium" / "chromium-headless-shell"
    return Chromium(str(program), ":".join(sorted(map(str, places))), str(root / "usr" / "share" / "fonts"))


def _starts(path: str) -> bool:
    """Whether it is a browser: Ubuntu's chromium-browser without snaps only says how to install one."""
    command: Sequence[str] = [path, "--version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(re.search(r"Chrom\w+ \d+", done.stdout))
