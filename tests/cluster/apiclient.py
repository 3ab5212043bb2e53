"""A tiny client of the API server for the harness itself: standard library, one kubeconfig.

The harness must not lean on the Kubernetes client that the product uses: it runs before any
venv exists, and a fault in that client should not break the cluster that tests it.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.errors import ClusterError

TIMEOUT_SECONDS = 10.0


class ApiClient:
    """Requests with a client certificate. Every request has a connection of its own: threads may share it."""

    def __init__(self, kubeconfig: Path) -> None:
        document = json.loads(kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        address = urlsplit(cluster["server"])
        self.host, self.port = address.hostname or "", address.port or 443
        self.tls = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        with tempfile.NamedTemporaryFile() as both:
            both.write(base64.b64decode(user["client-certificate-data"]))
            both.write(base64.b64decode(user["client-key-data"]))
            both.flush()
            self.tls.load_cert_chain(both.name)

    def open(
        self, method: str, path: str, body: object = None, *, timeout: float = TIMEOUT_SECONDS
    ) -> http.client.HTTPResponse:
        """Send a request and return its open response; `OSError` or `HTTPException` if that fails."""
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=timeout)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body).encode()
        # "close" hands the socket to the response, which closes it when it has been read.
        headers = {"Content-Type": kind, "Accept": "application/json", "Connection": "close"}
        connection.request(method, path, body=data, headers=headers)
        return connection.getresponse()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer; `ClusterError` with the server's message on any error status."""
        response = self.open(method, path, body)
        text = response.read()
        if response.status >= 400:
            raise ClusterError(f"{method} {path}: {response.status} {text[:500].decode(errors='replace')}")
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def create(self, path: str, body: object) -> None:
        """Create an object; one that exists already is fine."""
        response = self.open("POST", path, body)
        text = response.read()
        if response.status >= 400 and response.status != 409:
            raise ClusterError(f"POST {path}: {response.status} {text[:500].decode(errors='replace')}")

    def delete(self, path: str) -> None:
        """Delete an object; one that is gone already is fine."""
        response = self.open("DELETE", path)
        text = response.read()
        if response.status >= 400 and response.status != 404:
            raise ClusterError(f"DELETE {path}: {response.status} {text[:500].decode(errors='replace')}")

    def watch(self, path: str, version: str, *, seconds: int) -> Iterator[dict[str, Any]]:
        """The events after that resource version, until the server ends the watch after `seconds`."""
        question = f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={seconds}&allowWatchBookmarks=true"
        with self.open("GET", question, timeout=seconds + TIMEOUT_SECONDS) as response:
            if response.status >= 400:
                raise ClusterError(f"watch {path}: {response.status}")
            for line in response:
                if line.strip():
                    yield json.loads(line)

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            response = self.open("GET", "/readyz", timeout=2.0)
            response.read()
        except (OSError, http.client.HTTPException):
            return False
        return response.status == 200
