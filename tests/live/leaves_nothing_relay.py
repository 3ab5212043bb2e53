"""A TCP relay on loopback between the tool and the API server, which can be cut and mended."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.api import Cluster

from .people import write_kubeconfig

PIECE = 65536
# Close with RST instead of FIN: socket(7), SO_LINGER.
RESET = struct.pack("ii", 1, 0)


class Relay:
    """`reset` ends every connection by RST, new ones alike; `silence` holds all bytes back, as a lost link."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._open, self._resets = threading.Event(), False
        self._open.set()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """Relay again; what was held back arrives now, as TCP sends it again."""
        self._resets = False
        self._open.set()

    def silence(self) -> None:
        """Deliver nothing more, on connections old and new."""
        self._open.clear()

    def reset(self) -> None:
        """End everything with RST, what comes later too."""
        self._resets = True
        self._open.set()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                _drop(end)

    def close(self) -> None:
        """End the listener and everything else."""
        self.reset()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
                if self._resets:
                    _drop(near)
                    continue
                far = socket.create_connection(self._there, timeout=10)
                far.settimeout(None)
            except OSError:
                return
            with self._lock:
                self._pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(PIECE):
                self._open.wait()
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)


def _drop(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # shutdown wakes the thread that reads; only then does close send the RST.
        end.shutdown(socket.SHUT_RD)
    end.close()


@contextmanager
def relayed(cluster: Cluster, directory: Path) -> Iterator[tuple[Relay, Path]]:
    """A relay to the cluster, and the administrator's kubeconfig that goes through it."""
    document = json.loads(cluster.kubeconfig.read_text())
    there = urlsplit(document["clusters"][0]["cluster"]["server"])
    assert there.hostname is not None
    relay = Relay(there.hostname, there.port or 443)
    server = f"https://127.0.0.1:{relay.port}"
    user = document["users"][0]["user"]
    try:
        yield relay, write_kubeconfig(directory / "relayed.yaml", cluster, user, server=server)
    finally:
        relay.close()
