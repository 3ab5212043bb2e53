"""All probing methods of a live cluster, found by walking this package for classes that `learn`."""

from __future__ import annotations

import importlib
import pkgutil
from inspect import isclass
from types import ModuleType

import kubectl_refused.probes as package
from kubectl_refused.model.target import Depth

from .base import Method

# Modules of this package that are no methods, or run elsewhere (the agent runs inside the probe pod).
_NO_METHODS = frozenset({"base", "methods", "plan", "prober", "probe_agent"})


def live_methods(depth: Depth) -> list[Method]:
    """A fresh instance of every method. Those above `depth` are included: the plan passes over them and says
    what they would have told."""
    found: list[Method] = []
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name in _NO_METHODS:
            continue
        found += _methods_of(importlib.import_module(f"{package.__name__}.{entry.name}"))
    return sorted(found, key=lambda m: (m.depth.rank > depth.rank, m.order))


def _methods_of(module: ModuleType) -> list[Method]:
    return [
        value()
        for value in vars(module).values()
        if isclass(value)
        and value.__module__ == module.__name__
        and hasattr(value, "learn")
        and isinstance(getattr(value, "facts", None), frozenset)
    ]
