"""Healthy objects of unusual shape (tests/healthy): the tool must find nothing wrong with any of them.

One set of files for all: applied to a real cluster by the live suite, and read as manifests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "healthy"
CUSTOMER = "policy-for-customer"
_ALIAS = "an ExternalName is an alias; what it leads to is a Service to ask about by itself"
_NOT_TCP = "only TCP is dialled"
# What the tool does not judge, and says so: the exit code is 3, for the reason given.
LIMITS = {
    "external-name": _ALIAS,
    "external-name-trailing-dot": _ALIAS,
    "external-name-without-ports": _ALIAS,
    "udp-only": _NOT_TCP,
}


@dataclass(frozen=True)
class Shape:
    """One Service of the folder, and the file it stands in."""

    file: str
    name: str

    def __str__(self) -> str:
        return self.name


def documents() -> list[tuple[str, dict[str, Any]]]:
    """(file, object) of all files."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        found += [(path.name, each) for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return found


def shapes() -> list[Shape]:
    """Every Service."""
    return [Shape(file, each["metadata"]["name"]) for file, each in documents() if each["kind"] == "Service"]


def faults(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Whatever a report's item says is wrong, proved or not."""
    told = [item["root"], *(root for path in item["paths"] for root in (path["root"], *path["chain"]))]
    return [root for root in told if root]
