"""Run one command in a container and collect what it says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from kubectl_refused.connection.streams import Stream, open_stream
from kubectl_refused.decoders import decoded

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

LARGEST_OUTPUT = 4 * 1024 * 1024  # bytes of stdout and stderr together
# v5 adds closing one channel, without which a command that reads stdin to its end never ends (kubelet and API
# server 1.30+).
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _ERROR = 0, 1, 2, 3


class ExecResult(Struct, frozen=True):
    """`exit_code` is None when the command did not run or did not end; `error` then says why, in one line."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    error: str | None


class _Cause(msgspec.Struct):
    reason: str | None = None
    message: str | None = None


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None


class _Ending(msgspec.Struct):
    status: str | None = None
    message: str | None = None
    reason: str | None = None
    details: _Details | None = None


def run_in_container(
    connection: Connection,
    namespace: str,
    pod: str,
    container: str,
    argv: Sequence[str],
    timeout: float,
    stdin: bytes | None = None,
    *,
    holding: bool = False,
) -> ExecResult:
    """Run `argv` (no shell) and return its end, within `timeout` seconds and 4 MiB of output.

    With `holding` its standard input stays open behind `stdin`: its end tells the command that nobody listens.

    Raises a ConnectionProblem (Forbidden, NotFound, …) when the stream cannot be opened.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec"
    query = [("container", container), ("stdout", "true"), ("stderr", "true")]
    query += [("stdin", "true")] if stdin is not None else []
    query += [("command", word) for word in argv]
    deadline = time.monotonic() + timeout
    with open_stream(connection, path, query, PROTOCOLS) as stream:
        if stdin is not None:
            stream.send(_STDIN, stdin)
            if not holding:
                stream.close_channel(_STDIN)
        return _collect(stream, deadline, timeout)


def _collect(stream: Stream, deadline: float, timeout: float) -> ExecResult:
    output: dict[int, list[bytes]] = {_STDOUT: [], _STDERR: [], _ERROR: []}
    size, error = 0, None
    try:
        while size <= LARGEST_OUTPUT and (message := stream.receive(deadline)) is not None:
            channel, data = message
            output.setdefault(channel, []).append(data[: max(0, LARGEST_OUTPUT - size)])
            size += len(data)
            if channel == _ERROR:
                break  # the status is the last thing that is said
    except TimeoutError:
        error = f"the command did not end in {timeout:g} s"
    if size > LARGEST_OUTPUT:
        error = f"the command wrote more than {LARGEST_OUTPUT >> 20} MiB"
    code, said = _ending(b"".join(output[_ERROR]))
    return ExecResult(code, b"".join(output[_STDOUT]), b"".join(output[_STDERR]), error or said)


def _ending(status: bytes) -> tuple[int | None, str | None]:
    """Return (exit code, error) from the Status on the error channel."""
    if not status:
        return None, "the stream ended before the command did"
    try:
        ending = decoded(status, _Ending)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, status[:400].decode(errors="replace")  # protocols before v4 send plain text
    if ending.status == "Success":
        return 0, None
    for cause in (ending.details.causes if ending.details else None) or ():
        if cause.reason == "ExitCode" and (cause.message or "").isdigit():
            return int(cause.message or "0"), None
    return None, ending.message or ending.reason or "the command could not be run"
