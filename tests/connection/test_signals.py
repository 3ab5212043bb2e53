"""Ctrl-C, as the program does it: the handler sets the flag, and the main thread leaves its wait at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler

import pytest

from tests.connection.fake_api import Answer, Seen, serving

LONG = 20.0  # seconds that the server is silent for; its threads end with the process
PROGRAM = """
import signal, sys
from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.connection.options import ConnectionOptions

connection = connect(ConnectionOptions(server=sys.argv[1]))
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: connection.cancel.set())
try:
    if sys.argv[2] == "request":
        connection.get_bytes("/wait")
    else:
        run_in_container(connection, "shop", "web", "app", ["true"], 30)
except Cancelled:
    print(connection.clone().server_version().gitVersion)
"""


def _wait(_: BaseHTTPRequestHandler) -> None:
    time.sleep(LONG)


def _answer(seen: Seen) -> Answer:
    if seen.path == "/version":
        return Answer(body={"gitVersion": "cleaned up"})
    return Answer(talk=lambda _: time.sleep(LONG)) if seen.header("Upgrade") else Answer(act=_wait)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", ["request", "stream"])
def test_a_signal_ends_the_main_threads_wait(number: signal.Signals, way: str) -> None:
    with serving(_answer) as fake:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, fake.address, way],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(300):
            if fake.seen:
                break
            time.sleep(0.05)
        time.sleep(0.2)  # the handshake of a stream ends after it was seen
        child.send_signal(number)
        start = time.monotonic()
        out, err = child.communicate(timeout=2 * LONG)
        took = time.monotonic() - start
    assert (out, err) == ("cleaned up\n", "")
    assert took < LONG / 2
