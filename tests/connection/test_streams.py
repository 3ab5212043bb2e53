"""Streams: the same headers as requests, beside requests, bounded and cancellable."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from typing import Any

import pytest

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.errors import Cancelled, Forbidden, Unreachable
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.port_forward import dial_by_port_forward
from tests.connection.conftest import Connecting
from tests.connection.fake_api import CERTIFICATES, Answer, Seen, status
from tests.connection.fake_websocket import Conversation

LONG = 15.0  # seconds of silence; the fake server's threads end with the process
SUCCESS = json.dumps({"status": "Success"}).encode()


def _says_hello(talk: Conversation) -> None:
    talk.say(1, b"hello ")
    talk.say(2, b"warning")
    talk.say(1, b"world")
    talk.say(3, SUCCESS)
    talk.close()


def _run(connection: Connection, timeout: float = 5, stdin: bytes | None = None) -> Any:
    return run_in_container(connection, "shop", "web", "app", ["cat", "/proc/net/tcp"], timeout, stdin)


def test_exec_sends_what_a_request_sends(connecting: Connecting) -> None:
    who = {
        "token": "t",
        "impersonate_user": "jane",
        "impersonate_groups": ("a", "b"),
        "tls_server_name": "api.test",
    }
    with connecting(lambda _: Answer(talk=_says_hello), tls=True, **who) as (connection, fake):
        result = _run(connection)
    assert (result.exit_code, result.stdout, result.stderr, result.error) == (0, b"hello world", b"warning", None)
    seen = fake.seen[0]
    assert seen.path == "/api/v1/namespaces/shop/pods/web/exec"
    assert seen.header("Authorization") == ["Bearer t"]
    assert seen.header("Impersonate-User") == ["jane"]
    assert seen.header("Impersonate-Group") == ["a", "b"]
    assert seen.header("Sec-WebSocket-Protocol") == ["v5.channel.k8s.io,v4.channel.k8s.io"]
    assert seen.header("Origin") == []
    assert connection.requests_made == 1


@pytest.mark.parametrize(
    ("said", "code", "error"),
    [
        ({"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}, 7, None),
        ({"status": "Failure", "message": 'exec: "ss": not found'}, None, 'exec: "ss": not found'),
    ],
)
def test_exec_tells_how_it_ended(
    connecting: Connecting, said: dict[str, Any], code: int | None, error: str | None
) -> None:
    with connecting(lambda _: Answer(talk=lambda talk: talk.say(3, json.dumps(said).encode()))) as (connection, _):
        result = _run(connection)
    assert (result.exit_code, result.error) == (code, error)


def test_exec_hands_over_standard_input(connecting: Connecting) -> None:
    def echo(talk: Conversation) -> None:
        heard = [talk.hear(), talk.hear()]
        talk.say(1, heard[0][1])
        talk.say(2, f"{heard[1][0]} closes {heard[1][1][0]}".encode())
        talk.say(3, SUCCESS)

    with connecting(lambda _: Answer(talk=echo)) as (connection, _):
        result = _run(connection, stdin=b"some input")
    assert (result.stdout, result.stderr, result.exit_code) == (b"some input", b"255 closes 0", 0)


def test_exec_is_bounded_in_time_and_size(connecting: Connecting) -> None:
    def flood(talk: Conversation) -> None:
        for _ in range(80):
            talk.say(1, b"x" * 65_536)

    with connecting(lambda _: Answer(talk=flood)) as (connection, _):
        result = _run(connection)
    assert len(result.stdout) == 4 * 1024 * 1024
    assert result.error == "the command wrote more than 4 MiB"
    start = time.monotonic()
    with connecting(lambda _: Answer(talk=lambda _: time.sleep(LONG))) as (connection, _):
        result = _run(connection, timeout=0.3)
    assert (result.exit_code, result.error) == (None, "the command did not end in 0.3 s")
    assert time.monotonic() - start < LONG / 2


def test_a_stream_that_is_refused_has_the_requests_errors(connecting: Connecting) -> None:
    message = 'User "jane" cannot create resource "pods/exec" in API group "" in the namespace "shop"'
    with (
        connecting(lambda _: status(403, "Forbidden", message)) as (connection, _),
        pytest.raises(Forbidden) as caught,
    ):
        _run(connection)
    assert (caught.value.verb, caught.value.resource, caught.value.namespace) == ("create", "pods/exec", "shop")


@pytest.mark.parametrize("way", ["cancel", "shutdown_streams"])
def test_a_waiting_stream_ends_at_once(connecting: Connecting, way: str) -> None:
    with connecting(lambda _: Answer(talk=lambda _: time.sleep(LONG)), tls=True) as (connection, _):
        stop = connection.cancel.set if way == "cancel" else connection.shutdown_streams
        threading.Timer(0.4, stop).start()
        start = time.monotonic()
        if way == "cancel":
            with pytest.raises(Cancelled):
                _run(connection, timeout=60)
        else:
            assert _run(connection, timeout=60).error == "the stream ended before the command did"
        assert time.monotonic() - start < LONG / 2


def _port(number: int) -> bytes:
    return struct.pack("<H", number)


def test_port_forward_connects_when_nothing_is_said(connecting: Connecting) -> None:
    def open_port(talk: Conversation) -> None:
        talk.say(0, _port(8080))
        talk.say(1, _port(8080))
        talk.hear()

    with connecting(lambda _: Answer(talk=open_port)) as (connection, fake):
        result = dial_by_port_forward(connection, "shop", "web", 8080, timeout=5)
    assert (result.connected, result.error, result.first_bytes) == (True, None, b"")
    assert 0.4 < result.seconds < 4
    assert fake.seen[0].query == {"ports": "8080"}


def test_port_forward_without_an_answer_is_not_connected(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(talk=lambda _: time.sleep(0.6))) as (connection, _):
        result = dial_by_port_forward(connection, "shop", "web", 80, timeout=0.3)
    assert (result.connected, result.error) == (False, "the node did not answer in time")


def test_port_forward_returns_what_the_app_says(connecting: Connecting) -> None:
    def echo(talk: Conversation) -> None:
        talk.say(0, _port(80))
        talk.say(1, _port(80))
        talk.say(0, b"you said " + talk.hear()[1])

    with connecting(lambda _: Answer(talk=echo)) as (connection, _):
        result = dial_by_port_forward(connection, "shop", "web", 80, timeout=5, send=b"PING")
    assert (result.connected, result.first_bytes) == (True, b"you said PING")


def test_port_forward_tells_the_runtimes_reason(connecting: Connecting) -> None:
    reason = "failed to connect to localhost:7777: dial tcp4 127.0.0.1:7777: connect: connection refused\x1b[0m"

    def refuse(talk: Conversation) -> None:
        talk.say(0, _port(7777))
        talk.say(1, _port(7777))
        talk.say(1, reason.encode())

    with connecting(lambda _: Answer(talk=refuse)) as (connection, _):
        result = dial_by_port_forward(connection, "shop", "web", 7777, timeout=5)
    assert not result.connected
    assert result.error is not None
    assert "connection refused" in result.error
    assert "\x1b" not in result.error


def test_requests_and_streams_side_by_side(connecting: Connecting) -> None:
    """With the Python client's own streams, 197 of 200 such requests went over the websocket."""

    def answer(seen: Seen) -> Answer:
        return Answer(talk=_says_hello) if seen.header("Upgrade") else Answer(body={"path": seen.path})

    found: list[object] = []
    with connecting(answer, tls=True, token="t", impersonate_user="jane") as (connection, fake):

        def request() -> None:
            found.extend(connection.get("/api/v1/pods")["path"] == "/api/v1/pods" for _ in range(10))

        def stream() -> None:
            found.extend(_run(connection).stdout == b"hello world" for _ in range(10))

        threads = [threading.Thread(target=work) for work in (request, stream) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert found == [True] * 80
    assert all(seen.header("Impersonate-User") == ["jane"] for seen in fake.seen)


def test_streams_go_through_the_clusters_proxy(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def proxy() -> None:
        for _ in range(2):
            client, _address = listener.accept()
            head = client.recv(4096)
            seen.append(head.split(b"\r\n")[0])
            with socket.create_connection(head.split()[1].decode().split(":")) as server:  # type: ignore[arg-type]
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join(5)
            client.close()

    threading.Thread(target=proxy, daemon=True).start()

    def answer(request: Seen) -> Answer:
        return Answer(talk=_says_hello) if request.header("Upgrade") else Answer(headers={"Connection": "close"})

    config = tmp_path / "config"
    port = listener.getsockname()[1]
    with connecting(answer, tls=True) as (direct, _fake):
        config.write_text(
            json.dumps({"clusters": [{"name": "c", "cluster": {"proxy-url": f"http://127.0.0.1:{port}"}}]})
        )
        monkeypatch.setenv("KUBECONFIG", str(config))
        options = ConnectionOptions(
            cluster="c", server=direct.server, certificate_authority=str(CERTIFICATES / "ca.crt"), token="t"
        )
        connection = connect(options)
        assert connection.get_bytes("/version") == b"{}"
        connection.close()
        assert _run(connection).stdout == b"hello world"
    listener.close()
    target = direct.server.removeprefix("https://").encode()
    assert [line.split()[:2] for line in seen] == [[b"CONNECT", target]] * 2


def test_the_environments_proxy_is_not_used_for_loopback(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Go, so that a kind cluster on 127.0.0.1 works behind a company's proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    def answer(seen: Seen) -> Answer:
        return Answer(talk=_says_hello) if seen.header("Upgrade") else Answer(body={"ok": True})

    with connecting(answer, tls=True) as (connection, _):
        assert connection.get("/version") == {"ok": True}
        assert _run(connection).exit_code == 0


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_nobody_at_the_address_of_a_stream(connecting: Connecting) -> None:
    with connecting(lambda _: Answer()) as (connection, _):
        pass
    with pytest.raises(Unreachable, match="refuses the connection"):
        _run(connection)
