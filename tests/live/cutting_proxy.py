"""A TCP proxy on loopback that ends a connection in the middle of what the server says."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

PIECE = 4096


class CuttingProxy:
    """Passes bytes on as they are, TLS and all; the first connection that was told `after` bytes is cut there."""

    def __init__(self, port: int, after: int) -> None:
        self._behind, self._after = port, after
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.cut = threading.Event()

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._behind))
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(PIECE):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        told = 0
        with client, server, contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                client.sendall(piece)
                told += len(piece)
                if told > self._after and not self.cut.is_set():
                    self.cut.set()
                    client.shutdown(socket.SHUT_RDWR)
                    return
