"""The server's half of a websocket, enough for Kubernetes channels (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib
import struct
from http.server import BaseHTTPRequestHandler

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Conversation:
    """An accepted websocket."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._in, self._out = handler.rfile, handler.wfile

    def say(self, channel: int, data: bytes) -> None:
        """Send one message on a channel."""
        self._frame(0x2, bytes([channel]) + data)

    def close(self) -> None:
        """Say farewell."""
        self._frame(0x8, struct.pack("!H", 1000))

    def hear(self) -> tuple[int, bytes]:
        """Return (channel, data) of the next message; (-1, b"") when the client is gone."""
        head = self._in.read(2)
        if len(head) < 2 or head[0] & 0x0F == 0x8:
            return -1, b""
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._in.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._in.read(8))
        mask = self._in.read(4)
        data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self._in.read(length)))
        return data[0], data[1:]

    def _frame(self, opcode: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            length = bytes([size])
        else:
            length = b"\x7e" + struct.pack("!H", size) if size <= 0xFFFF else b"\x7f" + struct.pack("!Q", size)
        self._out.write(bytes([0x80 | opcode]) + length + data)
        self._out.flush()


def accept(handler: BaseHTTPRequestHandler, protocol: str) -> Conversation:
    """Answer the handshake."""
    key = handler.headers["Sec-WebSocket-Key"] + _MAGIC
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
    handler.send_header("Sec-WebSocket-Protocol", protocol)
    handler.end_headers()
    return Conversation(handler)
