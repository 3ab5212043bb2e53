"""What a peer speaks: by its first words alone, or asked once; and that without being told to, nothing is sent."""

from __future__ import annotations

import ast
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.facts import Dial
from kubectl_refused.model.observation import Outcome
from kubectl_refused.probes.probe_agent import GREETINGS, LOG_IN, POSTGRES, QUESTION, spoken
from kubectl_refused.probes.probe_agent_source import packed_source
from tests.probes.agent_runs import dialled

GUESS = ("--timeout", "1.3", "--guess", "1")
BLOCKED = b"\xff\x69\x04Host '10.0.0.7' is blocked because of many connection errors"
NOT_LISTED_TOLD = 'no pg_hba.conf entry for host "127.0.0.1", user "postgres", database "postgres", no encryption'
NOT_LISTED = (
    b"E\0\0\0\x9dSFATAL\0VFATAL\0C28000\0M%s\0Fauth.c\0L544\0RClientAuthentication\0\0" % NOT_LISTED_TOLD.encode()
)
MYSQL = b"\x4a\0\0\0\x0a8.0.36\0" + b"\x01" * 60
KNOWN = {
    b"SSH-2.0-OpenSSH_9.2\r\n": "ssh",
    b"RFB 003.008\n": "vnc",
    b"* OK IMAP4rev1 ready\r\n": "imap",
    b"+OK POP3 ready\r\n": "pop3",
    b'INFO {"server_id":"x"}\r\n': "nats",
    b"AMQP\0\0\x09\x01": "amqp",
    b"220 mail.example.com ESMTP Postfix\r\n": "smtp",
    b"554 5.7.1 ESMTP not from there\r\n": "smtp",
    b"220 (vsFTPd 3.0.3)\r\n": "ftp",
    b"220-Welcome to Pure-FTPd\r\n": "ftp",
    b"220 ready\r\n": "",
    b"2200 bottles": "",
    MYSQL: "mysql",
    struct.pack("<I", len(BLOCKED)) + BLOCKED: "mysql",
    b"\x05\0\0\0\x0b\x08\x05\x1a\0": "mysql",
    b"-DENIED Redis is running in protected mode": "redis",
    b"-ERR unknown command `\x16\x03`, with args beginning with: \r\n": "redis",
    b"ERROR\r\n": "memcached",
    b"\x15\x03\x01\0\x02\x02\x32": "tls",
    b"HTTP/1.1 400 Bad Request\r\n\r\n": "http",
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n": "tls",
    b"<!DOCTYPE HTML>\n<html>": "http",
    b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0": "http2",
    b"\x84\0\0\0\0\0\0\0\x40\0\0\0\x0a\0\x3eInvalid or unsupported protocol version (22)": "cassandra",
    b"E\0\0\0\x40SFATAL\0C53300\0Msorry, too many clients already\0\0": "postgres",
    b"\xff\xfd\x18\xff\xfd\x20": "telnet",
    b"@RSYNCD: 31.0\n": "rsync",
    b"": "",
    b"hello": "",
}


@pytest.mark.parametrize("said", KNOWN)
def test_first_words_tell_the_protocol(said: bytes) -> None:
    assert spoken(said)[0] == KNOWN[said]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (struct.pack("<I", len(BLOCKED)) + BLOCKED, "error 1129: Host '10.0.0.7' is blocked"),
        (b"HTTP/1.1 503 Service Unavailable\r\nA: b\r\n", "answered HTTP/1.1 503 Service Unavailable"),
        (b"-ERR max number of clients reached\r\n", "max number of clients reached"),
        (b"E\0\0\0\x40SFATAL\0C53300\0Msorry, too many clients already\0\0", "too many clients"),
        (b"220 ready\r\n", "greeted with 220 ready"),
    ],
)
def test_words_that_explain_are_kept(said: bytes, words: str) -> None:
    assert words in spoken(said)[1]


@given(
    st.binary(max_size=1024)
    | st.tuples(st.sampled_from([start for start, _ in GREETINGS] + list(KNOWN)), st.binary(max_size=64)).map(
        b"".join
    )
)
def test_hostile_words_give_a_known_protocol_or_none_and_short_plain_text(said: bytes) -> None:
    word, words = spoken(said)
    assert word in {*KNOWN.values(), "http2"}
    assert len(words) < 180
    assert words.isprintable()


class Peer:
    """A server that answers each connection in turn by a script, and keeps what it was sent.

    A script of several answers has one for each message, and hangs up after the last.
    """

    def __init__(
        self, *scripts: bytes | tuple[bytes, ...] | None, greets: bytes = b"", closes: bool = False
    ) -> None:
        self.scripts, self.greets, self.closes = list(scripts), greets, closes
        self.sent: list[bytes] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.dial = Dial("127.0.0.1", self.server.getsockname()[1])
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            client.settimeout(3)
            with client:
                if self.greets:
                    client.sendall(self.greets)
                self.talk(client)

    def talk(self, client: socket.socket) -> None:
        """Take what comes until the end; answer as scripted, None hangs up."""
        script = self.scripts.pop(0) if self.scripts else b""
        answers = iter(script if isinstance(script, tuple) else ())
        self.sent.append(b"")
        try:
            while data := client.recv(4096):
                self.sent[-1] += data
                if script is None:
                    return
                client.sendall(script if isinstance(script, bytes) else next(answers))
        except (OSError, StopIteration):
            return

    def heard(self, connections: int) -> list[bytes]:
        """What was sent on each connection, when so many were taken from the queue and have ended."""
        until = time.monotonic() + 5
        while len(self.sent) < connections and time.monotonic() < until:
            time.sleep(0.01)
        self.end()
        return self.sent

    def end(self) -> None:
        if self.server.fileno() == -1:
            return
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)


@contextmanager
def peer(*scripts: bytes | tuple[bytes, ...] | None, greets: bytes = b"") -> Iterator[Peer]:
    """A scripted server."""
    server = Peer(*scripts, greets=greets)
    try:
        yield server
    finally:
        server.end()


@pytest.mark.parametrize("options", [(), ("--times", "3"), ("--guess", "0")])
@pytest.mark.parametrize("greets", [b"", b"SSH-2.0-x\r\n"])
def test_not_one_byte_is_sent_unless_asked_to_guess(options: tuple[str, ...], greets: bytes) -> None:
    with peer(greets=greets) as server:
        said = dialled(server.dial, options=("--timeout", "1.3", *options))
        sent = server.heard(3 if "--times" in options else 1)
    assert (said.outcome, said.speaks) == (Outcome.ACCEPTED, "ssh" if greets else "")
    assert sent == [b""] * (3 if "--times" in options else 1)


def test_the_program_sends_at_one_place_only() -> None:
    """Besides the request for a large answer, which is asked for by itself."""
    source = packed_source()
    (bulk,) = (n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "haul")
    rest = source.replace(ast.get_source_segment(source, bulk) or "", "")
    assert len(rest) < len(source)
    assert rest.count(".send(") == 1
    assert ".sendall(" not in rest
    assert ".sendto(" not in source
    assert ".sendmsg(" not in source


def test_who_speaks_first_is_not_asked() -> None:
    with peer(greets=MYSQL) as server:
        said = dialled(server.dial, options=GUESS)
    assert (said.speaks, server.sent) == ("mysql", [b""])


def test_the_question_is_one_and_asked_once_however_often_is_dialled() -> None:
    with peer(b"ERROR\r\n") as server:
        said = dialled(server.dial, options=(*GUESS, "--times", "3"))
        sent = server.heard(3)
    assert (said.speaks, said.heard) == ("memcached", ((Outcome.ACCEPTED, 3),))
    assert sent == [QUESTION, b"", b""]


def test_who_hangs_up_on_it_is_asked_whether_it_is_postgres() -> None:
    with peer(None, b"S") as server:
        said = dialled(server.dial, options=GUESS)
    assert (said.outcome, said.speaks, said.detail) == (Outcome.ACCEPTED, "postgres", "")
    assert server.sent == [QUESTION, POSTGRES]


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        ((b"N", NOT_LISTED), f"said {NOT_LISTED_TOLD}"),
        ((b"N", b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), ""),
        ((b"N", b""), ""),
        ((b"N",), ""),
    ],
    ids=["not listed", "password", "silent", "hangs up"],
)
def test_postgres_without_tls_is_asked_to_let_somebody_in(answers: tuple[bytes, ...], detail: str) -> None:
    """By the bytes of PostgreSQL 15.18. No password is sent, and nothing that could be one."""
    with peer(None, answers) as server:
        said = dialled(server.dial, options=GUESS)
    assert (said.outcome, said.speaks, said.detail) == (Outcome.ACCEPTED, "postgres", detail)
    assert server.sent == [QUESTION, POSTGRES + LOG_IN]
    assert int.from_bytes(LOG_IN[:4]) == len(LOG_IN)
    assert LOG_IN[8:].split(b"\0") == [b"user", b"postgres", b"database", b"postgres", b"", b""]


def test_silence_and_two_hang_ups_are_told_as_such() -> None:
    with peer(None, None) as server:
        hung_up = dialled(server.dial, options=GUESS)
    with peer() as quiet:
        silent = dialled(quiet.dial, options=GUESS)
    assert (hung_up.outcome, hung_up.speaks, len(server.sent)) == (Outcome.ACCEPTED, "", 2)
    assert "closed without a word" in hung_up.detail
    assert (silent.outcome, silent.speaks, quiet.sent) == (Outcome.ACCEPTED, "", [QUESTION])
    assert "said nothing" in silent.detail


def test_an_answer_that_is_no_protocol_is_none_of_ours() -> None:
    with peer(b"\x1b]0;evil\x07{}") as server:
        said = dialled(server.dial, options=GUESS)
    assert (said.outcome, said.speaks, said.detail) == (Outcome.ACCEPTED, "", "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its certificate, in one file."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.fail("the suite needs openssl")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    making = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x")
    subprocess.run([openssl, *making, "-keyout", path, "-out", path], capture_output=True, check=True, timeout=20)
    return path


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_real_server_of_http_and_of_https_is_known(encrypted: bool, certificate: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        if encrypted:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = dialled(Dial("127.0.0.1", server.server_port), options=GUESS)
        server.shutdown()
    assert said.speaks == ("tls" if encrypted else "http")


class Quiet(BaseHTTPRequestHandler):
    """An HTTP server that logs nothing."""

    def log_message(self, *_: object) -> None:
        return


def test_a_talkative_server_cannot_keep_the_agent() -> None:
    endless = b"x" * 100_000
    with peer(endless, greets=endless) as server:
        started = time.monotonic()
        said = dialled(server.dial, options=GUESS)
    assert said.outcome is Outcome.ACCEPTED
    assert time.monotonic() - started < 2


def test_the_program_stays_short() -> None:
    """One argument of a command may have 128 KiB (execve(2), MAX_ARG_STRLEN), and a pod's spec is kept in etcd."""
    assert len(packed_source()) < 30 * 1024
