"""Processes that accept and do not serve: only a question to them tells (--guess-protocol)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .small_shop import deployment
from .tool import Answer, refused, says, until

PYTHON = "localhost/python:3"
SETTLE_SECONDS = 60.0
SERVER = """\
import http.server, os, signal, ssl, threading
http.server.ThreadingHTTPServer.request_queue_size = 1000
server = http.server.ThreadingHTTPServer(("", 8080), http.server.SimpleHTTPRequestHandler)
"""
SERVE = "server.serve_forever()\n"
# A process that its namespace knows as 1 cannot be stopped from within: a child is.
STOPPED = "if os.fork(): signal.pause()\nthreading.Timer(1, os.kill, (os.getpid(), signal.SIGSTOP)).start()\n"
# TLS without a certificate: enough to answer what is no TLS.
TLS = """\
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.set_ciphers("ADH-AES256-SHA:@SECLEVEL=0")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
"""


def asked(
    cluster: Cluster, namespace: str, program: str, port: dict[str, Any], root: str | None, code: int
) -> Answer:
    """One pod of that program behind svc/web, asked what it speaks until the answer is as expected."""
    web = deployment("web", {"image": PYTHON, "command": ["python3", "-uc", program]})
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 443, "targetPort": 8080, **port}]},
    }
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [service, web]}), namespace=namespace)
    return until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "--guess-protocol", "-o", "json"),
        lambda answer: says(root, code)(answer) and answer.report["complete"],
        SETTLE_SECONDS,
    )


def test_a_stopped_server_is_told_by_what_waits_for_it(cluster: Cluster, namespace: str) -> None:
    answer = asked(cluster, namespace, SERVER + STOPPED + SERVE, {}, "process-hung", 1)
    assert (answer.root, answer.code) == ("process-hung", 1), answer
    assert answer.report["outcome"] == "timeout"
    assert "to be accepted" in answer.out


@pytest.mark.parametrize(
    ("name", "program", "root"),
    [
        ("https", SERVER + SERVE, "protocol-not-as-declared"),
        ("http", SERVER + TLS + SERVE, "protocol-not-as-declared"),
        ("https", SERVER + TLS + SERVE, None),
        ("http", SERVER + SERVE, None),
    ],
)
def test_a_port_is_held_to_its_promise(
    cluster: Cluster, namespace: str, name: str, program: str, root: str | None
) -> None:
    answer = asked(cluster, namespace, program, {"name": name}, root, 3 if root else 0)
    assert (answer.root, answer.code) == (root, 3 if root else 0), answer
    if root:
        assert answer.report["root"]["certainty"] == "likely"


# Three servers whose dials look alike to whoever dials once: one hangs up, one hangs, one comes and goes.
CLOSES = """\
import socket
with socket.create_server(("", 8080)) as server:
    while True:
        peer, (address, _) = server.accept()
        print(f"connection from {address} denied", flush=True)
        peer.close()
"""
HOLDS = """\
import socket
held = []
with socket.create_server(("", 8080)) as server:
    while True:
        held.append(server.accept())
"""
COMES_AND_GOES = """\
import socket, time
while True:
    with socket.create_server(("", 8080)) as server:
        time.sleep(0.5)
    time.sleep(0.5)
"""


def test_who_closes_who_hangs_and_who_comes_and_goes_are_told_apart(cluster: Cluster, namespace: str) -> None:
    servers = {"closes": CLOSES, "holds": HOLDS, "flaps": COMES_AND_GOES}
    items: list[dict[str, Any]] = []
    for name, program in servers.items():
        items.append(deployment(name, {"image": PYTHON, "command": ["python3", "-uc", program]}))
        spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
        items.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Available", "deployment", "--all", "--timeout=60s")

    def ask(words: tuple[str, ...], *roots: str | None) -> dict[str, Any]:
        """The diagnoses by target, asked until the roots are as expected."""

        def found(answer: Answer) -> dict[str, Any]:
            return {item["target"].removeprefix("svc/"): item for item in answer.report["items"]}

        answer = until(
            lambda: refused(cluster.kubeconfig, *servers, "-n", namespace, "-o", "json", *words),
            lambda a: [one["root"] and one["root"]["name"] for one in found(a).values()] == list(roots),
            SETTLE_SECONDS,
        )
        assert [one["root"] and one["root"]["name"] for one in found(answer).values()] == list(roots), answer
        return found(answer)

    told = ask(("--dials", "9"), "closes-after-accepting", None, "listens-now-and-then")
    closes, flaps = told["closes"]["root"], told["flaps"]["root"]
    assert (closes["certainty"], flaps["certainty"]) == ("likely", "proved")
    assert "python3 (pid 1) closes it" in closes["says"]
    assert any("denied" in claim["says"] for claim in closes["evidence"] if claim["kind"] == "log"), closes
    assert "of 9 dials were refused; now" in flaps["says"]
    # What was touched for one target is not told with another, although all share one probe pod.
    touched = [entry["what"] for one in told.values() for entry in one["touched"]]
    assert len(touched) == len(set(touched)), touched

    shown = refused(cluster.kubeconfig, "svc/holds", "-n", namespace)
    assert shown.out.startswith("✓ svc/holds:80 accepts: "), shown
    assert "--guess-protocol" in shown.out
    hangs = refused(cluster.kubeconfig, "svc/holds", "-n", namespace, "-o", "json", "--guess-protocol")
    assert (hangs.root, hangs.code) == ("process-hung", 1), hangs
