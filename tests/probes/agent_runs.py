"""The packed agent run against servers and routers of the test's own, and its answers understood."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubectl_refused.model.facts import Dial
from kubectl_refused.model.observation import Handshake
from kubectl_refused.probes.probe_agent_answers import Answers, Asked, missing, request_of
from kubectl_refused.probes.probe_agent_source import packed_source

PYTHON = [sys.executable, "-S", "-E", "-c", packed_source()]
NETNS = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


def ask(*subjects: Asked, command: list[str] = PYTHON, options: tuple[str, ...] = ("--timeout", "1.3")) -> Answers:
    """Run the agent and understand it."""
    answers = Answers({request_of(subject): subject for subject in subjects})
    ended = subprocess.run([*command, *options, *answers.asked], capture_output=True, timeout=60, check=False)
    assert ended.stderr == b""
    answers.take_all(ended.stdout.splitlines())
    assert answers.ended
    assert not missing(answers)
    assert not answers.garbage
    return answers


def dialled(dial: Dial, command: list[str] = PYTHON, options: tuple[str, ...] = ("--timeout", "1.3")) -> Handshake:
    """One dial on loopback."""
    value = ask(dial, command=command, options=options).values[request_of(dial)]
    assert isinstance(value, Handshake)
    return value


@contextmanager
def served(answer: str, address: str = "127.0.0.1") -> Iterator[Dial]:
    """A server that keeps quiet, speaks, closes or resets after each accept."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        kept = []

        def work() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                kept.append(client)
                if answer == "speaks":
                    client.sendall(b"220 ready\r\n")
                if answer == "resets":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if answer in ("closes", "resets"):
                    client.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield Dial(address, server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for client in kept:
            client.close()


@contextmanager
def silent() -> Iterator[Dial]:
    """A listener whose backlog is full: the kernel drops further SYNs."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        with socket.create_connection(server.getsockname()):
            yield Dial("127.0.0.1", server.getsockname()[1])


def busybox_path(applets: Path) -> str:
    """A PATH with the applets of the busybox that the cluster's images are made of."""
    from tests.cluster import debian

    binary = next(p for p in (debian.tools() / "bin/busybox", debian.tools() / "usr/bin/busybox") if p.exists())
    for applet in subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split():
        (applets / applet).symlink_to(binary)
    return str(applets)
