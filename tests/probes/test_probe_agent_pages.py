"""The page of who speaks HTTP: asked for with --guess only, and told only where a proxy may have written it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.facts import Dial
from kubectl_refused.model.observation import HttpAnswer, Outcome
from kubectl_refused.probes.probe_agent import MOST_PAGE, page
from tests.probes.agent_runs import dialled

GUESS = ("--timeout", "1.3", "--guess", "1")
PAGE = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"


@contextmanager
def web(status: int, body: str, **headers: str) -> Iterator[tuple[Dial, list[tuple[str, str | None]]]]:
    """A server on loopback, and the requests that it got."""
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "envoy", ""

        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Dial("127.0.0.1", server.server_port), asked
        server.shutdown()
        thread.join()


def test_a_proxy_s_page_is_told_with_whence_it_was_asked() -> None:
    with web(503, PAGE) as (dial, asked):
        said = dialled(dial, options=GUESS)
    assert (said.outcome, said.speaks) == (Outcome.ACCEPTED, "http")
    assert said.http is not None
    assert (said.http.status, said.http.server, said.http.said) == (503, "envoy", PAGE)
    assert said.http.source.startswith("127.0.0.1:")
    assert asked == [("/", f"127.0.0.1:{dial.port}")]


def test_an_application_s_page_is_nobody_s_business() -> None:
    with web(200, "Dear customer 4711") as (dial, _):
        said = dialled(dial, options=GUESS)
    assert said.http is not None
    assert (said.http.status, said.http.said) == (200, "")


def test_no_page_is_asked_for_unless_told_to() -> None:
    with web(503, PAGE) as (dial, asked):
        said = dialled(dial, options=("--timeout", "1.3"))
    assert (said.http, asked) == (None, [])


@pytest.mark.parametrize(("said", "told"), [
    (b"HTTP/1.1 502 X\r\nServer: nginx\r\n\r\nhello", ("nginx", "hello")),
    (b"HTTP/1.1 502 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello", ("", "hello")),
    (b"HTTP/1.1 502\r\n\r\n", ("", "")),
])  # fmt: skip
def test_a_page_is_read_as_far_as_it_came(said: bytes, told: tuple[str, str]) -> None:
    found = page(said)
    assert (found["server"], found["said"]) == told


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1", b"HTTP/1.1 5000 X\r\n\r\n", b"HTTP/2 502\r\n\r\n", b"SSH-2.0"])
def test_what_is_no_answer_is_none(said: bytes) -> None:
    assert page(said) is None


@given(st.binary(max_size=MOST_PAGE), st.sampled_from([b"", b"HTTP/1.1 503 ", b"HTTP/1.0 502 X\r\n"]))
def test_whatever_comes_is_a_page_or_none(said: bytes, before: bytes) -> None:
    found = page(before + said)
    assert found is None or HttpAnswer(**found).status == found["status"]
