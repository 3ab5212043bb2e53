"""A fake API server on loopback: tests give it a function from what it saw to what it answers."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.connection.fake_websocket import Conversation, accept

CERTIFICATES = Path(__file__).parent / "certificates"


@dataclass(frozen=True)
class Seen:
    """One request. `headers` keeps repeated ones."""

    method: str
    path: str
    query: dict[str, str]
    headers: list[tuple[str, str]]
    body: bytes
    client_name: str = ""

    def header(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Answer:
    """What to say.

    `act` takes the open handler instead, for answers that misbehave; `talk` speaks websocket.
    """

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    act: Callable[[BaseHTTPRequestHandler], None] | None = None
    talk: Callable[[Conversation], None] | None = None


def status(code: int, reason: str, message: str, **more: Any) -> Answer:
    """Return a metav1.Status answer."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return Answer(code, {**body, "message": message, **more})


class FakeApi:
    """Requests seen so far, and the address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seen: list[Seen] = []


@contextlib.contextmanager
def serving(answer: Callable[[Seen], Answer], *, tls: bool = False) -> Iterator[FakeApi]:
    """Serve on a free loopback port for the length of a block; with `tls`, client certificates are optional."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
        context.load_verify_locations(CERTIFICATES / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    fake = FakeApi(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = _handler(fake, answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(fake: FakeApi, answer: Callable[[Seen], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def setup(self) -> None:
            super().setup()
            self.connection.settimeout(20)

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def any_method(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            seen = Seen(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                list(self.headers.items()),
                self.rfile.read(length),
                _client_name(self.connection),
            )
            fake.seen.append(seen)
            _write(self, answer(seen), seen)

        do_GET = do_POST = do_DELETE = do_PATCH = any_method

    return Handler


def _write(handler: BaseHTTPRequestHandler, answer: Answer, seen: Seen) -> None:
    if answer.act:
        handler.close_connection = True
        answer.act(handler)
        return
    if answer.talk:
        handler.close_connection = True
        answer.talk(accept(handler, seen.header("Sec-WebSocket-Protocol")[0].split(",")[0]))
        return
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    handler.send_response(answer.status)
    for name, value in {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **answer.headers,
    }.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _client_name(connection: Any) -> str:
    """Return the common name of the client's certificate."""
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    subject: Any = (connection.getpeercert() or {}).get("subject", ())
    return next((value for part in subject for key, value in part if key == "commonName"), "")
