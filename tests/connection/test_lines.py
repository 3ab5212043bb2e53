"""Answers that grow line by line: watches and followed logs."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import msgspec
import pytest

from kubectl_refused.connection.bodies import read_lines
from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.errors import ApiProblem, Cancelled, Forbidden, Unreachable
from kubectl_refused.connection.logs import follow_log, read_log
from kubectl_refused.connection.watch import watch
from tests.connection.conftest import Connecting
from tests.connection.fake_api import Answer, status

LONG = 15.0  # seconds of silence; the fake server's threads end with the process
PODS = "/api/v1/namespaces/shop/pods"
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def _event(kind: str, **body: object) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def _two_events(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(HEAD)
    whole = _event("ADDED", name="a") + _event("MODIFIED", name="b")
    _chunk(handler, whole[:20])  # a line may be cut anywhere
    _chunk(handler, whole[20:])
    handler.wfile.write(b"0\r\n\r\n")


def _quiet(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(HEAD)
    _chunk(handler, _event("ADDED", name="a"))
    time.sleep(LONG)


def test_watch_yields_events(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(act=_two_events)) as (connection, fake):
        events = list(watch(connection, PODS, [("fieldSelector", "metadata.name=x")], timeout=2.5))
    assert [(kind, msgspec.json.decode(body)["name"]) for kind, body in events] == [
        ("ADDED", "a"),
        ("MODIFIED", "b"),
    ]
    assert fake.seen[0].query == {"fieldSelector": "metadata.name=x", "watch": "true", "timeoutSeconds": "3"}
    assert "gzip" not in fake.seen[0].header("Accept-Encoding")


def test_watch_ends_in_time(connecting: Connecting) -> None:
    start = time.monotonic()
    with connecting(lambda _: Answer(act=_quiet)) as (connection, _):
        assert len(list(watch(connection, PODS, (), timeout=0.4))) == 1
        assert 0.3 < time.monotonic() - start < LONG / 2


def test_cancel_ends_a_watch(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(act=_quiet)) as (connection, _):
        threading.Timer(0.3, connection.cancel.set).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            list(watch(connection, PODS, (), timeout=60))
        assert time.monotonic() - start < LONG / 2


def test_a_consumer_may_stop_early(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(act=_quiet)) as (connection, _):
        events = watch(connection, PODS, (), timeout=60)
        start = time.monotonic()
        assert next(events)[0] == "ADDED"
        events.close()  # type: ignore[attr-defined]
        assert time.monotonic() - start < LONG / 2


def _breaks_off(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(HEAD)
    _chunk(handler, _event("ADDED", name="a"))


def test_a_watch_that_breaks_off_is_no_end(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(act=_breaks_off)) as (connection, _), pytest.raises(Unreachable):
        list(watch(connection, PODS, (), timeout=5))


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Answer(body=_event("ERROR", code=410, reason="Expired", message="too old")), ApiProblem, "410 Expired"),
        (Answer(body=b"<html>\n"), ApiProblem, "not JSON"),
        (
            status(403, "Forbidden", 'cannot watch resource "pods" in the namespace "shop"'),
            Forbidden,
            "watch pods",
        ),
    ],
)
def test_a_refused_watch(connecting: Connecting, answer: Answer, kind: type[Exception], text: str) -> None:
    with connecting(lambda _: answer) as (connection, _), pytest.raises(kind, match=text):
        list(watch(connection, PODS, (), timeout=2))


def test_logs(connecting: Connecting) -> None:
    with connecting(lambda _: Answer(body=b"one\ntwo\xff\n")) as (connection, fake):
        assert read_log(connection, "shop", "web", "app", previous=True, tail=7) == "one\ntwo\ufffd\n"
        assert list(follow_log(connection, "shop", "web", "app", timeout=2)) == [b"one", b"two\xff"]
    assert fake.seen[0].path == f"{PODS}/web/log"
    assert fake.seen[0].query == {"container": "app", "tailLines": "7", "limitBytes": "262144", "previous": "true"}
    assert fake.seen[1].query == {"container": "app", "follow": "true"}


class Kept(NamedTuple):
    """A connection as urllib3 has it."""

    sock: socket.socket


class EndsWithTheAlarm:
    """A body whose server ends it in the very moment in which the time is over; `left` is of its connection."""

    def __init__(self, left: Kept | None) -> None:
        self._left = left
        self.alarmed = threading.Event()

    @property
    def connection(self) -> Kept | None:
        self.alarmed.set()
        return self._left

    def read1(self, size: int, decode_content: bool) -> bytes:
        self.alarmed.wait(10)
        return b""

    def close(self) -> None:
        pass


def closed() -> socket.socket:
    made = socket.socket()
    made.close()
    return made


@pytest.mark.parametrize("left", [None, Kept(closed())], ids=["given back", "closed"])
def test_a_server_that_ends_with_the_alarm_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, left: Kept | None
) -> None:
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    body = EndsWithTheAlarm(left)
    assert list(read_lines(body, 0.05, Cancel())) == []
    assert body.alarmed.is_set()
    for thread in [one for one in threading.enumerate() if isinstance(one, threading.Timer)]:
        thread.join(10)
    assert failed == []
