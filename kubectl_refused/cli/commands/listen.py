"""`kubectl refused listen`: the listening sockets of this machine, whose they are and who can reach them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import Option

if TYPE_CHECKING:
    from kubectl_refused.model.host import HostSockets

_CHOICES = ("json", "wide")
_OPTIONS = (
    Option("--output", "json for data, wide for users and command lines too", "|".join(_CHOICES), "-o",
           choices=_CHOICES, completes="choices"),
    Option("--tcp", "TCP only", short="-t"),
    Option("--udp", "UDP only", short="-u"),
)  # fmt: skip


def _run(words: Sequence[str], values: Values) -> int:
    from msgspec.structs import replace

    from kubectl_refused.errors import UsageProblem, shown
    from kubectl_refused.host.sockets import gaps_of, read_sockets

    output = values["output"] or ""
    if output not in ("", *_CHOICES):
        raise UsageProblem(f"--output {shown(output)} is not known", f"type --output {' or '.join(_CHOICES)}")
    ports = [_port(word) for word in words]
    protocols = [name for name in ("tcp", "udp") if values[name]] or ["tcp", "udp"]
    seen = read_sockets()
    chosen = tuple(s for s in seen.sockets if s.protocol in protocols and (not ports or s.port in ports))
    narrowed = replace(seen, sockets=chosen, gaps=gaps_of(chosen) if seen.sockets else seen.gaps)
    _tell(narrowed, output, filtered=len(narrowed.sockets) < len(seen.sockets))
    return 0


def _tell(seen: HostSockets, output: str, *, filtered: bool) -> None:
    from kubectl_refused.renderers.data import fitting
    from kubectl_refused.renderers.terminal_listen import as_json

    if output == "json":
        sys.stdout.write(fitting(as_json(seen), sys.stdout.encoding))
        return
    from kubectl_refused.cli.terminal import style_of
    from kubectl_refused.renderers.terminal_listen import table
    from kubectl_refused.renderers.terminal_pen import Pen

    style = style_of(sys.stdout, wide=output == "wide")
    pen = Pen(style.width, style.colour, sys.stdout.encoding, style.wide)
    sys.stdout.write("".join(f"{line}\n" for line in table(pen, seen, filtered=filtered)))


def _port(word: str) -> int:
    """A port to narrow to, as `80` or `:80`. Raises UsageProblem."""
    from kubectl_refused.errors import UsageProblem, shown

    number = word.removeprefix(":")
    if number.isascii() and number.isdigit() and len(number) <= 5 and 0 < int(number) < 65536:
        return int(number)
    raise UsageProblem(f"'{shown(word)}' is no port", "type listen, or listen 8080 for one port")


COMMAND = Command(
    "listen",
    "List the listening sockets of this machine: address, who can reach it, and whose it is.",
    "[PORT]",
    _OPTIONS,
    _run,
    details="""
    What ss -tuln and netstat -tuln show, with owners, containers and what only passes connections on
    (kubectl port-forward, docker-proxy, ssh -L). Whose the sockets of other users are is told to root only.
    """,
)
