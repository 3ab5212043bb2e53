"""Why a service does not run, by its state and the end of its journal. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from kubectl_refused.model.host import Unit
from kubectl_refused.patterns import lazily


class Reason(Struct, frozen=True):
    """What a line of a journal tells: in our words, what helps, and the port it names, 0 for none."""

    line: str
    says: str
    advice: str
    port: int = 0


# Errors of bind(2) and what programs make of them (nginx, Apache, Go, Java, Python, systemd's sockets).
_REASONS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        lazily(r"(?i)address already in use|EADDRINUSE|address in use|port is already allocated"),
        "the address is already in use",
        "End what holds the port, or give the service another one",
    ),
    (
        lazily(r"(?i)permission denied|EACCES|operation not permitted"),
        "it lacks a permission",
        "Give it the right it lacks (AmbientCapabilities=CAP_NET_BIND_SERVICE for ports below 1024)",
    ),
    (
        lazily(r"(?i)cannot assign requested address|EADDRNOTAVAIL"),
        "the machine does not have the address it is to bind",
        "Bind it to an address that the machine has, or start it after network-online.target",
    ),
    (
        lazily(r"(?i)no such file or directory|ENOENT|status=203/EXEC"),
        "a file it needs is missing",
        "Put the file in its place",
    ),
    (
        lazily(
            r"(?i)syntax error|configuration (?:file )?.{0,80}(?:failed|error)|invalid (?:config|option|directive)"
        ),
        "its configuration is wrong",
        "Mend its configuration",
    ),
    (
        lazily(r"(?i)out of memory|oom[- ]kill"),
        "it ran out of memory",
        "Give it more memory, or make it need less",
    ),
    (
        lazily(r"(?i)segfault|core dumped|panic:|traceback|fatal error"),
        "it crashed",
        "See its journal for the crash",
    ),
)


def reason_of(lines: Sequence[str]) -> Reason | None:
    """The first known reason, of the kinds in their order; the last line that tells it."""
    for pattern, says, advice in _REASONS:
        for line in reversed(lines):
            if pattern.search(line):
                return Reason(line, says, advice, _port_in(line))
    return None


def _port_in(line: str) -> int:
    line = re.sub(r"\b\d\d:\d\d:\d\d\b", "", line)  # a time of day
    found = re.search(r":(\d{1,5})\b", line) or re.search(r"(?i)port\s(\d{1,5})\b", line)
    return int(found[1]) if found and int(found[1]) < 65536 else 0


def names_port(unit: Unit, port: int) -> bool:
    """Whether a line of its journal that tells of a failed bind names the port."""
    return any(_REASONS[at][0].search(line) and _port_in(line) == port for line in unit.lines for at in range(3))


def state_told(unit: Unit) -> str:
    """`failed since Tue 2026-11-24 09:12:44 UTC (exit-code)`."""
    state = "starts again and again" if unit.restarting else f"is {unit.active}"
    since = f" since {unit.since}" if unit.since else ""
    result = f" ({unit.result})" if unit.result not in ("", "success") else ""
    times = f", {unit.restarts} restarts" if unit.restarts else ""
    return f"{unit.name} {state}{since}{result}{times}"


def ending(unit: Unit) -> str:
    """`its process exited with 1`, `was killed by signal 9`; empty where nothing ended."""
    if unit.exit_code == "exited" and unit.exit_status:
        return f"its process exited with {unit.exit_status}"
    if unit.exit_code in ("killed", "dumped"):
        return f"its process was killed by signal {unit.exit_status}"
    return "" if unit.restarting or unit.failed else "nobody started it"
