"""The probing methods of a live cluster, found by walking this package for classes that `learn`.

Methods of level none stand in files named `…_reads.py`: at that level no other file is imported (the rest takes
40 ms and brings the websocket client). A test holds all methods to it.
"""

from __future__ import annotations

import importlib
import pkgutil
from inspect import isclass
from types import ModuleType

import kubectl_refused.probes as package
from kubectl_refused.model.target import Depth

from .base import Method

# Modules of this package that are no methods, or run elsewhere (the agent runs inside the probe pod).
_NO_METHODS = frozenset({"base", "methods", "plan", "prober", "probe_agent", "shard_agent"})
_READS = "_reads"


def live_methods(depth: Depth) -> list[Method]:
    """A fresh instance of every method allowed at `depth`, the first to try first."""
    names = [entry.name for entry in pkgutil.iter_modules(package.__path__) if entry.name not in _NO_METHODS]
    if depth is Depth.NONE:
        names = [name for name in names if name.endswith(_READS)]
    found: list[Method] = []
    for name in names:
        found += _methods_of(importlib.import_module(f"{package.__name__}.{name}"))
    return sorted((m for m in found if m.depth.rank <= depth.rank), key=lambda m: m.order)


def _methods_of(module: ModuleType) -> list[Method]:
    return [
        value()
        for value in vars(module).values()
        if isclass(value)
        and value.__module__ == module.__name__
        and hasattr(value, "learn")
        and isinstance(getattr(value, "facts", None), frozenset)
    ]
