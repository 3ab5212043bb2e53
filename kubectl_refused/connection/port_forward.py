"""Dial a port inside a pod through the API server, creating nothing.

The container runtime dials **localhost in the pod's network namespace**. So a port that answers here and
refuses on the pod's address belongs to an app that listens on 127.0.0.1 only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_refused.connection.errors import one_line
from kubectl_refused.connection.streams import Stream, open_stream

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

PROTOCOLS = ("v4.channel.k8s.io",)
_DATA, _ERROR = 0, 1
# Seconds. Nothing is said when a dial succeeds, so silence has to be waited out. A refusal comes as soon as
# the runtime has dialled.
GRACE = 1.0


@dataclass(frozen=True)
class ForwardResult:
    """`error` is the runtime's own text (…dial tcp4 127.0.0.1:7777: connect: connection refused…), one line."""

    connected: bool
    error: str | None
    first_bytes: bytes
    seconds: float


def dial_by_port_forward(
    connection: Connection, namespace: str, pod: str, port: int, timeout: float, send: bytes = b""
) -> ForwardResult:
    """Dial `port` inside the pod; connected when no error arrives within GRACE (or the app speaks before).

    Sends nothing unless `send` is given; then up to `timeout` seconds are spent waiting for the first bytes
    back. Raises a ConnectionProblem when the stream cannot be opened.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
    start = time.monotonic()
    with open_stream(connection, path, [("ports", str(port))], PROTOCOLS) as stream:
        opened = time.monotonic()
        if send:
            stream.send(_DATA, send)
        deadline = start + timeout if send else min(start + timeout, opened + GRACE)
        error, first = _listen(stream, deadline)
    return ForwardResult(error is None, error, first, time.monotonic() - start)


def _listen(stream: Stream, deadline: float) -> tuple[str | None, bytes]:
    """Return (error, first bytes). Each channel begins with two bytes that repeat the port."""
    greeted: set[int] = set()
    try:
        while (message := stream.receive(deadline)) is not None:
            channel, data = message
            if channel not in greeted:
                greeted.add(channel)
                data = data[2:]
            if data and channel == _ERROR:
                return one_line(data.decode(errors="replace")), b""
            if data:
                return None, data
    except TimeoutError:
        return None, b""
    if not greeted:
        return "the stream was closed before the port was dialled", b""
    return None, b""
