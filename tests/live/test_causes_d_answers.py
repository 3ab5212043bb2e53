"""Servers that accept and then turn the client away in their own words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.api import Cluster

from .small_shop import deployment
from .test_causes_b_endpoints import SETTLE_SECONDS, asked, furnish, served
from .tool import refused, until
from .witness_shop import python

SAYS = """
import socket
with socket.create_server(("0.0.0.0", 8080)) as server:
    while True:
        peer = server.accept()[0]
        peer.sendall({said!r})
        peer.close()
"""
# Debian's redis-server 7.0.15 says so on any address but localhost, and hangs up.
PROTECTED = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the"
    b" default user. In this mode connections are only accepted from the loopback interface.\r\n"
)
# An ERR_Packet in place of a greeting: its length, number 0, the mark, error 1130.
NOT_ALLOWED = b"\xff\x6a\x04Host '10.0.0.7' is not allowed to connect to this MariaDB server"
# PostgreSQL 15.18 hangs up on what it does not know, has no TLS, and lets nobody in from there.
LETS_NOBODY_IN = """
import socket
with socket.create_server(("0.0.0.0", 8080)) as server:
    while True:
        peer = server.accept()[0]
        if peer.recv(64) == bytes.fromhex("0000000804d2162f"):
            peer.sendall(b"N")
            peer.recv(64)
            peer.sendall({said!r})
        peer.close()
"""
NO_ENTRY = (
    b'E\0\0\0\x9dSFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host "10.0.0.7", user "postgres",'
    b' database "postgres", no encryption\0Fauth.c\0L544\0RClientAuthentication\0\0'
)
PACKET = len(NOT_ALLOWED).to_bytes(3, "little") + b"\0" + NOT_ALLOWED


def named(cluster: Cluster, namespace: str, root: str, *words: str) -> dict[str, Any]:
    """The root as the first report has it that names it, on a path that accepts."""
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json", *words),
        lambda one: bool(one.out) and one.root == root,
        SETTLE_SECONDS,
    )
    assert (answer.root, answer.report["outcome"]) == (root, "accepted"), answer
    found: dict[str, Any] = answer.report["root"]
    return found


@pytest.mark.parametrize(
    ("app", "certainty", "words"),
    [
        (SAYS.format(said=PROTECTED), "proved", ()),
        (SAYS.format(said=PACKET), "likely", ()),
        (LETS_NOBODY_IN.format(said=NO_ENTRY), "likely", ("--guess-protocol",)),
    ],
    ids=["redis", "mysql", "postgres"],
)
def test_an_app_that_takes_no_strangers(
    cluster: Cluster, namespace: str, app: str, certainty: str, words: tuple[str, ...]
) -> None:
    """A probe's own address may be another than the client's: what MySQL and Postgres say to it is a hint."""
    furnish(cluster, namespace, deployment("web", python(app)), served())
    root = named(cluster, namespace, "app-denies-client-address", *words)
    assert (root["code"], root["certainty"]) == ("KR419", certainty), root


# A sidecar as nginx is one: it takes the connection, and answers 502 where its upstream refuses.
PROXY = """
import http.server, urllib.request
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            body = urllib.request.urlopen("http://127.0.0.1:3000/", timeout=3).read()
            self.send_response(200)
        except OSError as error:
            body = b"Bad Gateway"
            print('connect() failed (111: Connection refused) while connecting to upstream, '
                  'upstream: "http://127.0.0.1:3000/"', flush=True)
            self.send_response(502)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Proxy).serve_forever()
"""


def behind_proxy(port: int) -> dict[str, Any]:
    """An app on that port of localhost, and a proxy that sends to 3000."""
    made = deployment("web", {"command": ["httpd", "-f", "-p", f"127.0.0.1:{port}"]})
    proxy = {"name": "proxy", "image": "localhost/python:3", "command": ["python3", "-uc", PROXY]}
    made["spec"]["template"]["spec"]["containers"].append(proxy)
    return made


def test_a_sidecar_that_sends_to_a_port_where_nobody_listens(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, behind_proxy(3333), served())
    root = named(cluster, namespace, "sidecar-sends-to-wrong-port", "--probe", "passive")
    assert (root["code"], root["certainty"]) == ("KR421", "proved"), root
    assert "localhost:3000" in root["says"]
    furnish(cluster, namespace, behind_proxy(3000))
    assert asked(cluster, namespace, None, "--probe", "passive").root is None
