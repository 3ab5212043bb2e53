"""Lists of many pages from a server that does not stay well, behind a proxy of our own that ends connections."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kubectl_refused.connection import paging
from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import Unreachable
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.paging import LONGEST_WANTED
from kubectl_refused.connection.requests import MOST_TRIES
from kubectl_refused.connection.watch import watch

from .conftest import Connecting
from .fake_api import Answer, Seen, serving, status

PODS = "/api/v1/pods"
SERVER_IS_AWAY = 3  # connections that are refused or cut before it is back


def page(seen: Seen) -> Answer:
    """Six items, two on a page."""
    start = int(seen.query.get("continue", "0"))
    more = {"continue": str(start + 2)} if start < 4 else {}
    # Each connection has one request; kept open, whether a second is sent before its end is seen would be chance.
    body = {"metadata": more, "items": [{"n": start}, {"n": start + 1}]}
    return Answer(body=body, headers={"Connection": "close"})


def numbers(connection: Any) -> list[int]:
    """What the list holds, in the order read."""
    return [msgspec.json.decode(one)["n"] for part in connection.list_items(PODS, page_size=2) for one in part]


class FaultyProxy:
    """Passes bytes on to a server; after `good` connections it ends the next `cut` before they say a word."""

    def __init__(self, port: int, *, good: int, cut: int) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port, self.good, self.cut = port, good, cut
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.getsockname()[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client_side, _ = self.server.accept()
                self.connections += 1
                number = self.connections
                threading.Thread(target=self._pass, args=(client_side, number), daemon=True).start()

    def _pass(self, client_side: socket.socket, number: int) -> None:
        """One request for each connection, so that faults can be counted."""
        with client_side, contextlib.suppress(OSError):
            if self.good < number <= self.good + self.cut:
                return
            with socket.create_connection(("127.0.0.1", self.port)) as server_side:
                server_side.sendall(client_side.recv(65536))
                server_side.shutdown(socket.SHUT_WR)
                while piece := server_side.recv(65536):
                    client_side.sendall(piece)


@contextlib.contextmanager
def through(good: int, cut: int) -> Iterator[tuple[Any, FaultyProxy]]:
    """A connection through a proxy in front of the list."""
    with serving(page) as fake:
        proxy = FaultyProxy(int(fake.address.rpartition(":")[2]), good=good, cut=cut)
        with (
            proxy.server,
            contextlib.closing(connect(ConnectionOptions(server=proxy.address))) as connection,
        ):
            yield connection, proxy


def test_a_server_that_restarts_between_pages_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PATIENCE", (0.01,) * 5)
    with through(1, SERVER_IS_AWAY) as (connection, proxy):
        assert numbers(connection) == [0, 1, 2, 3, 4, 5]
    assert proxy.connections == 3 + SERVER_IS_AWAY


def test_the_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PATIENCE", (0.01,) * 2)
    with through(1, 1000) as (connection, proxy), pytest.raises(Unreachable, match="closed the connection"):
        numbers(connection)
    assert proxy.connections == 1 + 2 * 3


def test_nobody_is_waited_for_before_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PATIENCE", (60.0,))
    with through(0, 1000) as (connection, proxy), pytest.raises(Unreachable):
        numbers(connection)
    assert proxy.connections == 2


@pytest.mark.parametrize("trouble", [429, 503])
def test_an_overwhelmed_server_is_asked_again(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch, trouble: int
) -> None:
    monkeypatch.setattr(paging, "PATIENCE", (0.01,) * 2)

    def answer(seen: Seen) -> Answer:
        if len(fake.seen) == 2:
            headers = {"Retry-After": "0"} if trouble == 429 else {}
            return Answer(trouble, status(trouble, "Busy", "later").body, headers)
        return page(seen)

    with connecting(answer) as (connection, fake):
        assert numbers(connection) == [0, 1, 2, 3, 4, 5]
    assert len(fake.seen) == 4


def test_a_server_without_a_seat_for_us_is_waited_for_between_pages(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than one request is tried again by itself."""
    monkeypatch.setattr(paging, "PATIENCE", (0.01,) * 3)

    def answer(seen: Seen) -> Answer:
        if 1 < len(fake.seen) <= 1 + 2 * MOST_TRIES:
            return Answer(429, status(429, "TooManyRequests", "later").body, {"Retry-After": "0"})
        return page(seen)

    with connecting(answer) as (connection, fake):
        assert numbers(connection) == [0, 1, 2, 3, 4, 5]
    assert len(fake.seen) == 3 + 2 * MOST_TRIES


@pytest.mark.parametrize(("wanted", "waited"), [("8", 8.0), ("0", 0.5), ("86400", LONGEST_WANTED)])
def test_between_pages_nobody_asks_earlier_than_the_server_wants(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch, wanted: str, waited: float
) -> None:
    monkeypatch.setattr(paging, "PATIENCE", (0.5,))
    waits: list[float] = []

    def answer(seen: Seen) -> Answer:
        busy = 1 < len(fake.seen) <= 1 + (MOST_TRIES if wanted == "0" else 1)
        return Answer(429, b"Too many requests", {"Retry-After": wanted}) if busy else page(seen)

    with connecting(answer) as (connection, fake):
        monkeypatch.setattr(connection.cancel, "wait", waits.append)
        assert numbers(connection) == [0, 1, 2, 3, 4, 5]
    assert [wait for wait in waits if wait] == [waited]


def test_a_bookmark_is_no_change(connecting: Connecting) -> None:
    events = [("ADDED", 1), ("BOOKMARK", 2), ("MODIFIED", 3)]
    lines = b"".join(msgspec.json.encode({"type": kind, "object": {"n": n}}) + b"\n" for kind, n in events)
    with connecting(lambda _: Answer(body=lines)) as (connection, _):
        told = [(kind, msgspec.json.decode(raw)["n"]) for kind, raw in watch(connection, PODS, (), 5)]
    assert told == [("ADDED", 1), ("MODIFIED", 3)]
