"""The listening sockets of this machine: a table for people, and the same as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubectl_refused.model.host import HostSocket, HostSockets
from kubectl_refused.model.report import API_VERSION
from kubectl_refused.trace.reach import reach

from .data import harmless
from .terminal_pen import Pen, cells, wrap

_HEADS = ("PROTO", "ADDRESS", "REACH", "OWNER", "OF")
_GAP = 2  # cells between columns
_LEAST = 12  # cells that the last column keeps


def table(pen: Pen, seen: HostSockets, *, filtered: bool = False) -> list[str]:
    """One line a socket, then what stayed unknown."""
    rows = [tuple(pen.text(cell) for cell in _row(pen, one)) for one in seen.sockets]
    lines = _aligned(pen, rows) if rows else [f"nothing {'of that kind ' if filtered else ''}listens"]
    for gap in seen.gaps:
        told = "; ".join(filter(None, (f"{gap.what}: {gap.because}", gap.remedy)))
        lines += pen.section("not checked", wrap(pen.text(told), pen.width - pen.column("not checked")))
    return lines


def as_json(seen: HostSockets) -> str:
    """The same as data; absent knowledge is null, as a socket of nobody visible has no process."""
    sockets = [_socket(one) for one in seen.sockets]
    gaps = [{"what": gap.what, "because": gap.because, "remedy": gap.remedy} for gap in seen.gaps]
    return (
        harmless({"apiVersion": API_VERSION, "kind": "ListeningSockets", "sockets": sockets, "gaps": gaps}) + "\n"
    )


def _socket(one: HostSocket) -> dict[str, Any]:
    return {
        "protocol": one.protocol,
        "address": one.address,
        "port": one.port,
        "reach": reach(one),
        "v6only": one.v6only,
        "pid": one.pid,
        "process": one.process or None,
        "user": one.user or None,
        "command": one.command or None,
        "unit": one.unit or None,
        "container": one.container or None,
        "forwards": one.forwards or None,
    }


def _row(pen: Pen, one: HostSocket) -> tuple[str, ...]:
    owner = one.owner + (f", {one.user}" if one.user and pen.wide else "")
    of = one.container or one.forwards or one.unit
    return one.protocol, one.shown, reach(one), owner or "-", (one.command if pen.wide else "") or of or "-"


def _aligned(pen: Pen, rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their longest cell; the last takes what is left and is cut there, but with -o wide."""
    widths = [max(cells(row[at]) for row in [_HEADS, *rows]) for at in range(len(_HEADS) - 1)]
    room = max(_LEAST, pen.width - sum(widths) - _GAP * len(widths))
    lines = []
    for row in [_HEADS, *rows]:
        start = "".join(
            cell + " " * (width - cells(cell) + _GAP) for cell, width in zip(row, widths, strict=False)
        )
        last = (
            row[-1] if pen.wide or cells(row[-1]) <= room else (wrap(row[-1], room - 1) or [""])[0] + pen.fold("…")
        )
        lines.append((start + last).rstrip())
    return [pen.paint(lines[0], "bold"), *lines[1:]]
