"""One flag that ends everything that waits, callable from a signal handler.

No lock anywhere: a handler runs in the main thread between two bytecodes, and would deadlock on a lock which
that thread holds. Setting an attribute and copying a dict's values are atomic in CPython.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

from kubectl_refused.connection.errors import Cancelled

LONGEST_NAP = 0.05  # seconds between two looks at the flag


class Cancel:
    """A flag plus the sockets that must end when it is set."""

    def __init__(self) -> None:
        self._asked = False
        self._sockets: dict[int, Any] = {}

    @property
    def is_set(self) -> bool:
        """True once somebody asked us to stop."""
        return self._asked

    def set(self) -> None:
        """Stop.

        Raise the flag, then end every registered socket. Safe in signal handlers and from any thread.
        """
        self._asked = True
        self.shutdown_sockets()

    def check(self) -> None:
        """Raise Cancelled when the flag is set."""
        if self._asked:
            raise Cancelled("cancelled")

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`, or raise Cancelled within 50 ms of being asked to stop."""
        end = time.monotonic() + seconds
        self.check()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LONGEST_NAP))
            self.check()

    def register(self, sock: Any) -> None:
        """Have `sock` shut down on cancel.

        The flag is looked at after the entry is made, so none slips through.
        """
        self._sockets[id(sock)] = sock
        if self._asked:
            end_socket(sock)

    def forget(self, sock: Any) -> None:
        """Stop watching `sock`; unknown ones are ignored."""
        self._sockets.pop(id(sock), None)

    @contextlib.contextmanager
    def watching(self, sock: Any) -> Iterator[None]:
        """Register `sock` for the length of a block."""
        self.register(sock)
        try:
            yield
        finally:
            self.forget(sock)

    def shutdown_sockets(self) -> None:
        """End every registered socket without setting the flag."""
        for sock in tuple(self._sockets.values()):
            end_socket(sock)


def end_socket(sock: Any) -> None:
    """Shut a socket down so that a thread blocked on it wakes at once; the owner still closes it.

    The plain socket's method also for TLS: `SSLSocket.shutdown` forgets its TLS state while another thread
    reads.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if isinstance(sock, socket.socket):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        else:  # urllib3's SSLTransport: TLS within TLS, behind an https proxy
            end_socket(sock.socket)
