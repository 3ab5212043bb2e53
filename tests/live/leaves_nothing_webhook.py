"""Admission webhooks for one namespace, served from the host's end of the cluster's link."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.cluster import debian
from tests.cluster.api import Cluster
from tests.cluster.shell import run

PATH = "/apis/admissionregistration.k8s.io/v1"
# What a webhook says to an object: the response of an AdmissionReview, without its uid.
Ruling = Callable[[dict[str, Any]], dict[str, Any]]


def patching(*operations: dict[str, Any]) -> Ruling:
    """Lets everything pass, changed by these JSON patch operations (RFC 6902)."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda thing: {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def denying(message: str) -> Ruling:
    """Lets nothing pass that is ours."""
    return lambda thing: {"allowed": False, "status": {"code": 403, "message": message}}


@contextmanager
def webhook(
    cluster: Cluster,
    namespace: str,
    directory: Path,
    ruling: Ruling | None,
    *,
    resources: tuple[tuple[str, str], ...] = (("", "pods"),),
    kind: str = "mutating",
) -> Iterator[list[dict[str, Any]]]:
    """Have the API server ask before a create there of `resources` (group, name); None: nobody answers.

    Yields the objects it was asked about. `failurePolicy` is Fail.
    """
    asked: list[dict[str, Any]] = []
    address = cluster.layout.host_address
    certificate, key = certified(address, directory)
    server = ThreadingHTTPServer((address, 0), handler(asked, ruling or denying("")))
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    if ruling is None:
        server.shutdown()
        server.server_close()
    path, body = configuration(namespace, f"https://{address}:{server.server_port}/", certificate, resources, kind)
    cluster.client().create(path, body)
    try:
        yield asked
    finally:
        cluster.client().call("DELETE", f"{path}/{body['metadata']['name']}")
        if ruling is not None:
            server.shutdown()
            server.server_close()
        thread.join(5)


def configuration(
    namespace: str, url: str, certificate: Path, resources: tuple[tuple[str, str], ...], kind: str
) -> tuple[str, dict[str, Any]]:
    """The API path and the object that make the API server ask."""
    hook = {
        "name": "gate.refused.test",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(certificate.read_bytes()).decode()},
        "rules": [
            {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}
            for group, resource in resources
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "kubectl-refused"}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }
    name = f"gate-{secrets.token_hex(4)}"
    return f"{PATH}/{kind}webhookconfigurations", {"metadata": {"name": name}, "webhooks": [hook]}


def certified(address: str, directory: Path) -> tuple[Path, Path]:
    """A certificate for the address that is its own authority, and its key."""
    certificate, key = directory / "webhook.crt", directory / "webhook.key"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-subj", "/CN=webhook", "-addext", f"subjectAltName=IP:{address}", "-days", "2"]
    run([*argv, "-keyout", str(key), "-out", str(certificate)], environment=debian.environment())
    return certificate, key


def handler(asked: list[dict[str, Any]], ruling: Ruling) -> type[BaseHTTPRequestHandler]:
    """Answers each AdmissionReview by the ruling."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request = review["request"]
            asked.append(request["object"])
            response = {"uid": request["uid"], **ruling(request["object"])}
            body = json.dumps({**review, "request": None, "response": response}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
