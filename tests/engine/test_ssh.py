"""ssh:// as an engine's place: a program in the place of ssh, which relays to a server on a socket here."""

from __future__ import annotations

import json
import os
import socketserver
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_refused.engine.connect import connect
from kubectl_refused.engine.problems import EngineProblem

# Takes the words of ssh, and passes on what comes.
RELAY = """#!{python}
import socket, sys, threading, os
open({log!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
one = socket.socket(socket.AF_UNIX)
one.connect({place!r})
def up():
    while data := os.read(0, 65536):
        one.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := one.recv(65536):
    os.write(1, data)
"""
FAILS = """#!/bin/sh
echo '{said}' >&2
exit 255
"""


class Engine(socketserver.StreamRequestHandler):
    """Answers GET /version and GET /containers/json on one connection, as long as it lasts."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            version = b"/version" in line
            body = json.dumps(
                {"ApiVersion": "1.41"} if version else [{"Id": "1" * 12, "Names": ["/cart"]}]
            ).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A socket with such an engine."""
    path = tmp_path / "d.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Engine) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield path
        server.shutdown()
        thread.join(5)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is found by the name ssh; to be written by the test."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    file = programs / "ssh"
    file.touch(mode=0o755)
    return file


def test_the_engine_is_asked_through_one_ssh(place: Path, ssh: Path, tmp_path: Path) -> None:
    log = tmp_path / "words"
    ssh.write_text(RELAY.format(python=sys.executable, log=str(log), place=str(place)))
    connection = connect({"DOCKER_HOST": "ssh://me@away:2222"})
    try:
        for _ in range(3):
            assert connection.api.containers(all=True)[0]["Names"] == ["/cart"]
        assert (connection.api._version, connection.remote) == ("1.41", "away")
    finally:
        connection.close()
    words = "-o ConnectTimeout=10 -o BatchMode=yes -T -l me -p 2222 -- away docker system dial-stdio\n"
    assert log.read_text() == words, "a connection is kept"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("me@away: Permission denied (publickey).",
         "me@away does not let this user in: me@away: Permission denied (publickey).; ssh-add a key, and try ssh"),
        ("bash: line 1: docker: command not found",
         "me@away has no docker on its PATH; try ssh me@away docker version"),
        ("Host key verification failed.", "the host key of me@away is not known; run ssh me@away once"),
        ("ssh: Could not resolve hostname away",
         "(DOCKER_HOST) does not answer: ssh: Could not resolve hostname away; try ssh me@away docker version"),
        ("", "does not answer: ssh ended before anything answered; try ssh me@away docker version"),
    ],
)  # fmt: skip
def test_what_ssh_says_is_one_line(said: str, told: str, ssh: Path) -> None:
    ssh.write_text(FAILS.format(said=said))
    with pytest.raises(EngineProblem) as caught:
        connect({"DOCKER_HOST": "ssh://me@away"})
    assert told in caught.value.message


def test_no_ssh_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineProblem, match=r"needs the program ssh, which is not here; install it"):
        connect({"DOCKER_HOST": "ssh://me@away"})
