"""The variables that the kubelet sets in a pod for each Service of its namespace, and logs that stumble over them.

Names and values: kubernetes pkg/kubelet/envvars/envvars.go. A Service `my-web` makes MY_WEB_SERVICE_HOST,
MY_WEB_SERVICE_PORT (a number), and MY_WEB_PORT and MY_WEB_PORT_80_TCP (an address). Headless Services make none.
Pure; patterns are bounded and lines are cut first, since a log is written by others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from kubectl_refused.model.objects import Service
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line

from .log_reasons import MOST_CHARACTERS

_ADDRESS = lazily(r"\b(?:tcp|udp|sctp)://[0-9a-fA-F.:\[\]]{2,45}:\d{1,5}\b")
# How languages say that a text is no number, or no port.
_MISREAD = lazily(
    r"\binvalid (?:literal|digit|syntax|value|port|integer|number|input|argument|type)|number ?format|\bNaN\b"
    r"|\b(?:not|expected|be|as|into|to) (?:be )?(?:an? )?(?:valid )?(?:port|int|integer|number|u16|long|numeric)\b"
    r"|strconv|\bpars(?:e|ing)\b|ERR_SOCKET_BAD_PORT|out of range|too many colons|unknown port",
    re.IGNORECASE,
)
# A client that names whom it calls is another matter.
_CALLS = lazily(r"\b(?:connect(?:ing|ion|ed)?|dial(?:ing)?|timed? ?out|refused|unreachable)\b", re.IGNORECASE)
# A language that shows the value apart from the complaint shows it next to it.
_BESIDE = 2


class Link(Struct, frozen=True):
    """What one Service makes: `WEB_PORT` with the value `tcp://10.96.0.7:80`."""

    service: str
    variable: str
    value: str

    def quoted_in(self, line: str) -> bool:
        """Whether the line has the very value, not a longer port of the same beginning."""
        return re.search(re.escape(self.value) + r"(?!\d)", line) is not None


def links(services: Iterable[Service]) -> Iterator[Link]:
    """The variables that hold addresses; the first port's is called NAME_PORT (envvars.go, makeLinkVariables)."""
    for service in services:
        address = service.spec.cluster_ip or ""
        if not address or address == "None":
            continue
        name = service.metadata.name.upper().replace("-", "_")
        host = f"[{address}]" if ":" in address else address
        for place, port in enumerate(service.spec.ports or ()):
            value = f"{port.protocol.lower()}://{host}:{port.port}"
            variable = f"{name}_PORT" + (f"_{port.port}_{port.protocol}" if place else "")
            yield Link(service.metadata.name, variable, value)


def misread(lines: Sequence[str]) -> str | None:
    """The last line that quotes such an address, where it or a line beside it says that it cannot be read."""
    cut = [line.strip()[:MOST_CHARACTERS] for line in lines]
    for index in range(len(cut) - 1, -1, -1):
        near = cut[max(0, index - _BESIDE) : index + _BESIDE + 1]
        if _ADDRESS.search(cut[index]) and any(_MISREAD.search(n) and not _CALLS.search(n) for n in near):
            return one_line(cut[index])
    return None
