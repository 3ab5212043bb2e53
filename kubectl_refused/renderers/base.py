"""What every renderer is, and how one is found by its format's name.

A module is imported only when its format is chosen: the terminal's width tables, PyYAML and the like cost
more than the whole answer to `--version`.
"""

from __future__ import annotations

import importlib
from typing import Protocol, TextIO

from msgspec import Struct

from kubectl_refused.model.report import Report

_PREFIX = "as_"  # json.py or name.py would read like the standard library's modules


class Style(Struct, frozen=True):
    """How to write for people: `width` in cells, `colour` for ANSI colours, `wide` for every detail."""

    width: int = 80
    colour: bool = False
    wide: bool = False


class Renderer(Protocol):
    """The `render` of one format's module; writes the whole report to `out`, ending in a newline."""

    def __call__(self, report: Report, out: TextIO, style: Style) -> None: ...


def names() -> tuple[str, ...]:
    """Every format's name, sorted, without importing any of them."""
    import pkgutil

    from kubectl_refused import renderers

    found = (m.name for m in pkgutil.iter_modules(renderers.__path__) if m.name.startswith(_PREFIX))
    return tuple(sorted(name.removeprefix(_PREFIX) for name in found))


def named(name: str) -> Renderer:
    """The renderer of one format. Raises LookupError, naming the formats there are."""
    if name not in names():
        raise LookupError(f"no output format {name!r}; there are: {', '.join(names())}")
    module = importlib.import_module(f"kubectl_refused.renderers.{_PREFIX}{name}")
    render: Renderer = module.render
    return render
