"""What kind of machine this is, as far as it decides who sees its ports."""

from __future__ import annotations

import os
import sys

from kubectl_refused.model.host import Machine

LOW_PORTS = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
USUAL_LOW_PORT = 1024
_MARKS = ("/.dockerenv", "/run/.containerenv")  # of Docker and Podman


def read_machine() -> Machine:
    """This machine."""
    low = USUAL_LOW_PORT if sys.platform.startswith("linux") else 0  # macOS and Windows let anybody bind them
    text = _text(LOW_PORTS).strip()
    return Machine(kind(_text("/proc/version")), int(text) if text.isdigit() else low)


def kind(version: str) -> str:
    """`wsl` where the kernel says it is Microsoft's, `container` where an engine left its mark."""
    if "microsoft" in version.lower():
        return "wsl"
    return "container" if any(map(os.path.exists, _MARKS)) else ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1000)
    except OSError:
        return ""
