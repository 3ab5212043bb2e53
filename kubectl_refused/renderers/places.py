"""Where a fault is, as tools for code want it: a file and a line, made up where there is none."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import quote

from kubectl_refused.model.report import Diagnosis, Root
from kubectl_refused.model.target import ENTRANCES

STDIN = "stdin"


class Place(NamedTuple):
    """A URI reference relative to the working directory, and a line; `real` if such a file was read."""

    uri: str
    line: int
    real: bool


def place_of(diagnosis: Diagnosis, root: Root | None) -> Place:
    """The line of the manifest at fault; for what came from a cluster or by stdin `k8s/shop/Service/web`."""
    source = root.source if root else None
    if source and source.file != STDIN:
        return Place(_uri(source.file), source.line, True)
    if diagnosis.target_kind in ("Service", *ENTRANCES):
        parts = ("k8s", diagnosis.namespace or "default", diagnosis.target_kind, service_name(diagnosis))
    else:
        parts = ("host", "local", diagnosis.target_kind, diagnosis.target)
    return Place("/".join(_quoted(part) for part in parts), 1, False)


def service_name(diagnosis: Diagnosis) -> str:
    """`web` of `svc/web:80`."""
    return diagnosis.target.partition("/")[2].partition(":")[0] or diagnosis.target


def _uri(file: str) -> str:
    """Relative wherever it can be: tools look for it in a checkout of their own."""
    path = file
    if os.path.isabs(file):
        near = _relative(file)
        path = file if near.startswith(os.pardir) else near
    parts = PurePath(os.path.normpath(path)).as_posix()
    return ("file://" if parts.startswith("/") else "") + _quoted(parts, "/")


def _relative(file: str) -> str:
    try:
        return os.path.relpath(file)
    except ValueError:  # another drive of Windows
        return os.pardir


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="replace") or "-"
