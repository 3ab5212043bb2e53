"""Processes that accept and do not serve: only a question to them tells (--guess-protocol)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .small_shop import deployment
from .tool import Answer, refused, until

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


def asked(cluster: Cluster, namespace: str, program: str, port: dict[str, Any], root: str | None) -> Answer:
    """One pod of that program behind svc/web, asked what it speaks until the root is as expected."""
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
        lambda answer: bool(answer.out) and answer.root == root and answer.report["complete"],
        SETTLE_SECONDS,
    )


def test_a_stopped_server_is_told_by_what_waits_for_it(cluster: Cluster, namespace: str) -> None:
    answer = asked(cluster, namespace, SERVER + STOPPED + SERVE, {}, "process-hung")
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
    answer = asked(cluster, namespace, program, {"name": name}, root)
    assert (answer.root, answer.code) == (root, 3 if root else 0), answer
    if root:
        assert answer.report["root"]["certainty"] == "likely"
