"""Whether a large answer arrives: asked as usual and in small segments, and only of what was told to be asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubectl_refused.connection.errors import one_line
from kubectl_refused.model.facts import BULK, BulkDial, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Bulk
from kubectl_refused.probes.agent_round import UNSOUND, asked_of, is_sound
from kubectl_refused.probes.all_permitted import NOTHING_SENT
from kubectl_refused.probes.permits import Permits
from kubectl_refused.probes.probe_agent_answers import Answers, request_of
from tests.fakes import probe_context
from tests.probes.agent_runs import ask

CERTIFICATES = Path(__file__).parent.parent / "connection" / "certificates"
HEAD = b"HTTP/1.0 200 OK\r\n\r\n"
REST = '"small": [], "small_whole": true, "segment": 1'
Serve = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serving(serve: Serve) -> Iterator[tuple[str, int]]:
    """A server on loopback with a thread for each connection; the event is set when the test is over."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(client, over), daemon=True))
                threads[-1].start()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield server.getsockname()
        over.set()
        server.shutdown(socket.SHUT_RDWR)
    for one in (thread, *threads):
        one.join(5)


def segment_of(client: socket.socket) -> int:
    """The MSS that the kernel sends with: tcpi_snd_mss (linux/tcp.h)."""
    size: int = struct.unpack_from("=I", client.getsockopt(socket.IPPROTO_TCP, 11, 104), 16)[0]
    return size


def whole(client: socket.socket, over: threading.Event) -> None:
    """Answers at once."""
    with client:
        client.recv(1000)
        client.sendall(HEAD + b"x" * 5000)


def stuck_unless_small(client: socket.socket, over: threading.Event) -> None:
    """What a client sees of a way that loses large packets: the head, then nothing."""
    with client:
        client.recv(1000)
        if segment_of(client) > 600:
            client.sendall(HEAD)
            over.wait(30)
        else:
            client.sendall(HEAD + b"x" * 5000)


def never(client: socket.socket, over: threading.Event) -> None:
    """An app that hangs, whatever the packets' size."""
    with client:
        over.wait(30)


def hello(client: socket.socket, over: threading.Event) -> None:
    """A TLS server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    with client, contextlib.suppress(OSError):  # the agent leaves once it heard enough
        context.wrap_socket(client, server_side=True).close()


def weighed(serve: Serve, speaks: str = "http") -> Bulk:
    """What the agent says of such a server."""
    with serving(serve) as (host, port):
        subject = BulkDial(host, port, speaks)
        value = ask(subject).values[request_of(subject)]
    assert isinstance(value, Bulk)
    return value


def test_an_answer_that_arrives_is_asked_for_once() -> None:
    told = weighed(whole)
    assert (told.ordinary, told.whole, told.small, told.only_small) == ((5000 + len(HEAD),), True, (), False)


def test_a_tls_handshake_that_arrives_is_whole() -> None:
    told = weighed(hello, "tls")
    assert (told.whole, told.small) == (True, ())
    assert told.ordinary[0] > 500


def test_what_only_small_segments_bring_is_seen_twice_by_turns() -> None:
    told = weighed(stuck_unless_small)
    assert told.ordinary == (len(HEAD),) * 2
    assert told.small == (5000 + len(HEAD),) * 2
    assert told.only_small
    assert told.segment == 536


def test_an_app_that_hangs_anyway_is_no_matter_of_size() -> None:
    told = weighed(never)
    assert (told.ordinary, told.small, told.only_small) == ((0,), (0,), False)


def test_what_cannot_be_asked_is_a_gap_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host, port = closed.getsockname()
        subject = BulkDial(host, port, "http")
    value = ask(subject).values[request_of(subject)]
    assert isinstance(value, Gap)
    assert "refused" in value.because


@pytest.mark.parametrize("port", [0, 65536])
def test_only_sound_subjects_are_asked(port: int) -> None:
    assert not is_sound(BulkDial("10.0.0.1", port, "http"))
    assert not is_sound(BulkDial("10.0.0.1", 80, "http:x"))
    assert is_sound(BulkDial("fd00::1", 80, "tls"))
    assert not asked_of([Need(BULK, BulkDial("a b", 80, "http"))])
    assert "dial" in UNSOUND.what


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "bulk:http:10.0.0.1:80", "ordinary": [1, 2, 3], "whole": true, ' + REST + "}",
        '{"id": "bulk:http:10.0.0.1:80", "ordinary": [-1], "whole": true, ' + REST + "}",
        '{"id": "bulk:http:10.0.0.1:80", "outcome": "accepted"}',
        '{"id": "dial:10.0.0.1:80", "ordinary": [1], "whole": true, ' + REST + "}",
    ],
)
def test_lines_that_are_not_the_agents_are_no_answers(line: str) -> None:
    answers = Answers({request_of(BulkDial("10.0.0.1", 80, "http")): BulkDial("10.0.0.1", 80, "http")})
    answers.take(line.encode())
    assert (answers.values, answers.garbage) == ({}, 1)
    assert answers.last_garbage == one_line(line, limit=160)


def test_nothing_is_sent_without_being_asked_for() -> None:
    need = Need(BULK, BulkDial("10.0.0.1", 80, "http"))
    assert Permits().refusals([need], probe_context()) == {need: NOTHING_SENT}
