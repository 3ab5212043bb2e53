"""Which server a container's own log says that it was refused by. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.resolve.error_text import failures_in

from .engine_objects import addresses_of
from .mentions import names_of


class Refusal(NamedTuple):
    """A line that says so, and the port it names, 0 where it names none."""

    line: str
    port: int


def refusal_of(lines: Sequence[str], server: EngineContainer) -> Refusal | None:
    """The first refusal by the server, by a name or an address of it, one with a port before any other."""
    own = {name.lower() for name in names_of(server)} | set(addresses_of(server))
    told = [
        Refusal(failure.line, failure.place.port)
        for failure in failures_in("\n".join(lines).encode())
        if failure.how == "refused" and failure.place.host in own
    ]
    return next((one for one in told if one.port), told[0] if told else None)
