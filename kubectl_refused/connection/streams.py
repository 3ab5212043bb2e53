"""Open a websocket to the API server beside running requests, with every header that a request has.

`kubernetes.stream` patches its client while it runs (REST calls of other threads then go over the websocket)
and drops all headers but the token, so that `--as jane` ran exec with the caller's own rights. Here only the
wire format comes from `websocket-client`; the socket, its proxy, TLS, time-outs and registration for
cancelling are ours.
"""

from __future__ import annotations

import http.client
import socket
import time
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kubectl_refused.connection.answers import Response, problem_of, unreachable
from kubectl_refused.connection.cancel import end_socket
from kubectl_refused.connection.errors import BadConfiguration, Unreachable
from kubectl_refused.connection.proxies import authorization_of

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

LONGEST_MESSAGE = 1 << 20


class Stream:
    """A websocket that carries Kubernetes channels: the first byte of a message is its channel's number."""

    def __init__(self, connection: Connection, socket_: Any, websocket: Any) -> None:
        self._connection, self._socket, self._websocket = connection, socket_, websocket
        self.protocol: str = websocket.getsubprotocol() or ""

    def receive(self, deadline: float) -> tuple[int, bytes] | None:
        """Return (channel, data) of the next message, None when the server has closed the stream.

        Raises TimeoutError at `deadline` (time.monotonic), Cancelled when the run is cancelled.
        """
        import websocket

        self._connection.cancel.check()
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            self._websocket.settimeout(left)
            opcode, data = self._websocket.recv_data()
        except websocket.WebSocketTimeoutException:
            raise TimeoutError from None
        except (websocket.WebSocketException, OSError, ValueError):
            self._connection.cancel.check()
            return None  # ended without a farewell, or by shutdown_streams
        self._connection.cancel.check()
        if opcode == websocket.ABNF.OPCODE_CLOSE or not data:
            return None
        return data[0], data[1:]

    def send(self, channel: int, data: bytes) -> bool:
        """Send on a channel; False when the server has closed the stream."""
        import websocket

        self._connection.cancel.check()
        try:
            for start in range(0, max(len(data), 1), LONGEST_MESSAGE):
                self._websocket.send_binary(bytes([channel]) + data[start : start + LONGEST_MESSAGE])
        except (websocket.WebSocketException, OSError):
            self._connection.cancel.check()
            return False
        return True

    def close_channel(self, channel: int) -> bool:
        """End one channel for writing; only protocol v5 can (message 255 with the channel's number)."""
        return self.protocol.startswith("v5.") and self.send(255, bytes([channel]))

    def close(self) -> None:
        """Drop the stream at once: a polite closing handshake would wait for the server."""
        self._connection.forget_stream(self._socket)
        end_socket(self._socket)
        self._socket.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stream(
    connection: Connection, path: str, query: Iterable[tuple[str, str]], protocols: Sequence[str]
) -> Stream:
    """Open a stream, offering `protocols` in order. Raises a ConnectionProblem or Cancelled."""
    stream = _open(connection, path, list(query), protocols)
    if stream is None and connection.renew_credentials():
        stream = _open(connection, path, list(query), protocols)
    if stream is None:
        raise problem_of(Response(401), connection.request_of("GET", path))
    return stream


def _open(
    connection: Connection, path: str, query: list[tuple[str, str]], protocols: Sequence[str]
) -> Stream | None:
    """Return the stream, None when the credentials were not accepted (they may be renewable)."""
    import websocket

    connection.cancel.check()
    request = connection.request_of("GET", path)
    url, headers = connection.sender.prepare(path, query)
    sock = None
    try:
        sock = _dial(connection, url)
        connection.sender.opened()
        client: Any = websocket.WebSocket()
        client.connect(
            "ws" + url.removeprefix("http"),
            header=[f"{name}: {value}" for name, value in headers.items()],
            subprotocols=list(protocols),
            suppress_origin=True,
            redirect_limit=0,  # a redirect would take our credentials elsewhere
            timeout=connection.limits.connect,
            socket=sock,
        )
        return Stream(connection, sock, client)
    except websocket.WebSocketBadStatusException as error:
        _drop(connection, sock)
        if error.status_code == 401:
            return None
        answer = Response(error.status_code, body=error.resp_body or b"")
        raise problem_of(answer, request) from error
    except (websocket.WebSocketException, OSError, ValueError, http.client.HTTPException) as error:
        _drop(connection, sock)
        connection.cancel.check()
        raise unreachable(error, request) from error
    except BaseException:
        _drop(connection, sock)
        raise


def _drop(connection: Connection, sock: Any) -> None:
    if sock is not None:
        connection.forget_stream(sock)
        sock.close()


def _dial(connection: Connection, url: str) -> Any:
    """Return a connected, registered socket: through the proxy if requests use one, with TLS for https."""
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    transport, limit = connection.transport, connection.limits.connect
    sock = _tunnel(transport.proxy, host, port, limit) if transport.proxy else _plain(host, port, limit)
    connection.track_stream(sock)
    if transport.tls is None:
        return sock
    plain = sock
    try:
        sock = transport.tls.wrap_socket(plain, server_hostname=transport.tls_server_name or host)
    except BaseException:
        _drop(connection, plain)
        raise
    connection.track_stream(sock)
    connection.forget_stream(plain)  # wrap_socket took its descriptor over
    return sock


def _plain(host: str, port: int, limit: float) -> socket.socket:
    sock = socket.create_connection((host, port), timeout=limit)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _tunnel(proxy: str, host: str, port: int, limit: float) -> Any:
    """Return a socket that an http proxy has connected to host:port (CONNECT)."""
    address = urllib.parse.urlsplit(proxy)
    if address.scheme != "http":
        says = f"streams cannot use the {address.scheme} proxy {address.hostname}"
        raise BadConfiguration(says, "use an http proxy, or add the API server to NO_PROXY")
    given = authorization_of(proxy)
    headers = {"Proxy-Authorization": given} if given else {}
    tunnel = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=limit)
    tunnel.set_tunnel(host, port, headers)
    try:
        tunnel.connect()
    except OSError as error:
        tunnel.close()
        says = f"the proxy {address.hostname} does not connect us to {host}:{port}"
        raise Unreachable(says, "check HTTPS_PROXY, NO_PROXY and proxy-url") from error
    return tunnel.sock
