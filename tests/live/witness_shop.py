"""A namespace with one pod for every thing a witness must tell apart, and the context to ask witnesses in."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from typing import Any

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.model.facts import Fact, FactStore, Need
from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.base import Ledger, Method, ProbeContext, ProbeSettings
from kubectl_refused.sources.cluster import ClusterSource
from tests.cluster.api import Cluster

# Ports of the pod `odd`, each with a server that answers in an odd way.
SILENT, CLOSES, BANNER, RESETS, UNAUTHORIZED, STATUS, RETRY, REDIRECT, COUNT = range(9001, 9010)

ODD_SERVER = """
import json, socket, struct, threading, time
count = 0
def reply(code, body, more=""):
    head = f"HTTP/1.1 {code} X\\r\\n{more}Content-Length: {len(body)}\\r\\nConnection: close"
    return f"{head}\\r\\n\\r\\n{body}".encode()
STATUS = json.dumps({"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden",
    "message": 'forbidden: User "system:anonymous" cannot get path "/"'})
def answer(port, peer):
    global count
    if port == 9004:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    if port == 9003:
        peer.sendall(b"220 mail ready\\r\\n"); time.sleep(0.2); return
    if port == 9002:
        return
    peer.recv(4096)
    if port == 9001: time.sleep(20)
    if port == 9005: peer.sendall(reply(401, "no", "WWW-Authenticate: Basic\\r\\n"))
    if port == 9006: peer.sendall(reply(403, STATUS, "Content-Type: application/json\\r\\n"))
    if port == 9007: count += 1; peer.sendall(reply(503, "later", "Retry-After: 1\\r\\n"))
    if port == 9008: count += 1; peer.sendall(reply(302, "", "Location: /elsewhere\\r\\n"))
    if port == 9009: peer.sendall(reply(200, str(count)))
def one(port, peer):
    try: answer(port, peer)
    finally: peer.close()
def serve(port):
    with socket.create_server(("0.0.0.0", port)) as server:
        while True:
            threading.Thread(target=one, args=(port, server.accept()[0])).start()
for port in range(9001, 9010):
    threading.Thread(target=serve, args=(port,)).start()
"""
MAPPED_SERVER = """
import socket, time
held = []
for address in ("::ffff:127.0.0.1", "::1", "::"):
    s = socket.socket(socket.AF_INET6); s.bind((address, 8080 + len(held))); s.listen(); held.append(s)
time.sleep(3600)
"""


def pod(name: str, *containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod that ends at once when deleted."""
    named = [{"name": f"c{i}", "image": "localhost/busybox:1", **c} for i, c in enumerate(containers)]
    spec = {"terminationGracePeriodSeconds": 0, "containers": named, **more}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": spec,
    }


def shell(script: str) -> dict[str, Any]:
    """A busybox container that runs a script."""
    return {"command": ["busybox", "sh", "-c", script]}


def python(program: str) -> dict[str, Any]:
    """A container that runs a Python program."""
    return {"image": "localhost/python:3", "command": ["python3", "-c", program]}


def service(name: str, selector: dict[str, str] | None, port: int, target: int) -> dict[str, Any]:
    """A Service of one port."""
    spec = {"selector": selector, "ports": [{"port": port, "targetPort": target}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": pod("x", shell("exec httpd -f -p 8080"))["spec"],
        },
    },
}
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed"},
    "spec": {"podSelector": {"matchLabels": {"app": "closed"}}, "policyTypes": ["Ingress"]},
}
NO_PROGRAMS = "rm -f /usr/bin/sh /usr/bin/cat /usr/bin/ash; exec busybox httpd -f -p 127.0.0.1:8080"
OBJECTS: list[dict[str, Any]] = [
    DEPLOYMENT,
    POLICY,
    service("web", {"app": "web"}, 80, 8080),
    service("wrong", {"app": "web"}, 80, 9999),
    service("none", {"app": "nobody"}, 80, 80),
    pod("loop", shell("exec httpd -f -p 127.0.0.1:8080"), securityContext={"runAsUser": 1000}),
    pod("two", shell("exec sleep 3600"), shell("exec httpd -f -p 8080")),
    pod("noshell", shell("rm -f /usr/bin/sh /usr/bin/ash; exec busybox httpd -f -p 8080")),
    pod("bare", shell(NO_PROGRAMS), securityContext={"runAsUser": 0}),
    pod("mapped", python(MAPPED_SERVER)),
    pod("odd", python(textwrap.dedent(ODD_SERVER))),
    pod("closed", shell("exec httpd -f -p 8080")),
    pod("crash", shell("printf '\\033[31mpassword=hunter2\\033[0m\\nbind: address in use\\n' >&2; exit 3")),
    pod("pending", {"image": "localhost/absent:1", "imagePullPolicy": "Never"}),
]


def settings(**changes: Any) -> ProbeSettings:
    """Settings for tests: all levels, short waits."""
    return ProbeSettings(**{"depth": Depth.ALL, "dial_timeout": 2.0, "probe_pod_timeout": 30.0, **changes})


class Asker:
    """Asks methods about a namespace as the product does."""

    def __init__(self, cluster: Cluster, namespace: str, user: str | None = None) -> None:
        self.cluster, self.namespace = cluster, namespace
        options = ConnectionOptions(kubeconfig=str(cluster.kubeconfig), impersonate_user=user)
        self.connection: Connection = connect(options)
        self.ledger = Ledger()
        self.facts = FactStore()

    def impersonating(self, user: str) -> Asker:
        """The same with another user's rights."""
        return Asker(self.cluster, self.namespace, user)

    def snapshot(self, name: str) -> Snapshot:
        """What the cluster source reads for a Service."""
        return fold(ClusterSource(self.connection).read(Target(name, self.namespace)))

    def ask(
        self,
        method: Method,
        fact: Fact[Any],
        *subjects: Any,
        snapshot: Snapshot | None = None,
        **changes: Any,
    ) -> list[Any]:
        """The method's answers, in the order of the subjects."""
        context = ProbeContext(
            connection=self.connection,
            target=Target("web", self.namespace),
            snapshot=snapshot or Snapshot(),
            facts=self.facts,
            settings=settings(**changes),
            ledger=self.ledger,
            run_id=f"{time.monotonic_ns() % 0xFFFFFF:06x}",
        )
        answers = dict(method.learn([Need(fact, subject) for subject in subjects], context))
        return [answers[Need(fact, subject)] for subject in subjects]

    def pods(self, *names: str) -> Sequence[dict[str, Any]]:
        """Pods as the API server has them."""
        return [
            self.cluster.client().call("GET", f"/api/v1/namespaces/{self.namespace}/pods/{name}") for name in names
        ]
