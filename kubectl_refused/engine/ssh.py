"""An engine behind ssh://: the system's own ssh runs `docker system dial-stdio` there, as the docker CLI does.

The package `docker` needs paramiko for it, even to start that ssh, and waits on its pipes for ever. Here each
connection is one end of a socket pair whose other end is ssh's input and output, so that time limits hold.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3.connection
import urllib3.connectionpool
from docker.transport.unixconn import UnixHTTPAdapter

from kubectl_refused.errors import shown

from .problems import Asked, EngineProblem

SECONDS = 10
LARGEST = 2000  # bytes of what ssh wrote about its failure
LAST_WORDS = 0.5  # seconds in which ssh may say why it ended
PROGRAM = "ssh"


class Way(NamedTuple):
    """The words of one ssh. BatchMode: a question would have no place to be asked in."""

    words: tuple[str, ...]
    place: str


def way_of(endpoint: str, *, podman: bool = False) -> Way:
    """ssh://[USER@]HOST[:PORT][/SOCKET]. Raises EngineProblem for what would be an option to ssh."""
    at = urlsplit(endpoint)
    try:
        host, user, port = at.hostname or "", unquote(at.username or ""), at.port
    except ValueError:
        host, user, port = "", "", None
    if not host or host.startswith("-") or user.startswith("-") or at.password:
        raise EngineProblem(
            f"{shown(endpoint)} is no place of an engine", "it is ssh://USER@HOST or ssh://USER@HOST:PORT"
        )
    options = ["-o", f"ConnectTimeout={SECONDS}", "-o", "BatchMode=yes", "-T"]
    options += ["-l", user] if user else []
    options += ["-p", str(port)] if port else []
    path = at.path if at.path not in ("", "/") else ""
    program = ["podman", *(["--url", f"unix://{path}"] if path else [])] if podman else ["docker"]
    program += ["--host", f"unix://{path}"] if path and not podman else []
    place = (f"{user}@" if user else "") + host
    return Way((PROGRAM, *options, "--", host, *program, "system", "dial-stdio"), place)


class SshAdapter(UnixHTTPAdapter):  # type: ignore[misc]
    """What `requests` reaches the engine through. `last` is what the last ssh wrote."""

    def __init__(self, way: Way, timeout: float) -> None:
        super().__init__("http+unix:///ssh", timeout)
        self.way, self.last = way, b""
        self._pool = _Pool(self)

    def get_connection(self, url: str, proxies: Any = None) -> Any:
        """One pool, whose connections are kept: each is an ssh of its own."""
        return self._pool

    def close(self) -> None:
        """End every ssh."""
        super().close()
        self._pool.close()


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, adapter: SshAdapter) -> None:
        super().__init__("localhost", timeout=adapter.timeout)
        self._adapter = adapter

    def _new_conn(self) -> Any:
        return _Connection(self._adapter)


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, adapter: SshAdapter) -> None:
        super().__init__("localhost", timeout=adapter.timeout)
        self._adapter = adapter
        self._child: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        mine, its = socket.socketpair()
        with its:
            try:
                self._child = subprocess.Popen(
                    self._adapter.way.words, stdin=its.fileno(), stdout=its.fileno(), stderr=subprocess.PIPE
                )
            except OSError:
                mine.close()
                raise
        mine.settimeout(self._adapter.timeout)
        self.sock = mine

    def close(self) -> None:
        """End ssh, and keep what it wrote."""
        super().close()
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LAST_WORDS)
        child.kill()
        self._adapter.last = child.communicate()[1][:LARGEST] or self._adapter.last


def ssh_problem(adapter: SshAdapter, asked: Asked) -> EngineProblem:
    """What ssh itself wrote, else what came of it."""
    lines = [line.strip() for line in adapter.last.decode(errors="replace").splitlines() if line.strip()]
    said, place = (lines[-1] if lines else ""), adapter.way.place
    if shutil.which(PROGRAM) is None:
        return EngineProblem(
            f"{asked.at} needs the program ssh, which is not here", "install it, or use tcp:// with TLS"
        )
    if "not found" in said:
        return EngineProblem(
            f"{place} has no {_program(asked)} on its PATH", f"try ssh {place} {_program(asked)} version"
        )
    if "Permission denied" in said and "docker" not in said.lower():
        return EngineProblem(
            f"{place} does not let this user in: {shown(said)}", f"ssh-add a key, and try ssh {place}"
        )
    if "Host key verification failed" in said:
        return EngineProblem(
            f"the host key of {place} is not known", f"run ssh {place} once, and look at what it asks"
        )
    told = shown(said) or "ssh ended before anything answered"
    return EngineProblem(
        f"the engine at {asked.at} does not answer: {told}", f"try ssh {place} {_program(asked)} version"
    )


def _program(asked: Asked) -> str:
    return "podman" if asked.podman else "docker"
