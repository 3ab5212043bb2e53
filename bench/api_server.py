"""A loopback API server with one Service and as many pods as asked; it notes each request and when it came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

KUBECONFIG = """apiVersion: v1
kind: Config
current-context: bench
clusters: [{{name: bench, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: bench, user: {{token: bench}}}}]
contexts: [{{name: bench, context: {{cluster: bench, user: bench, namespace: bench}}}}]
"""


def pod(number: int) -> dict[str, Any]:
    """A ready pod of svc/web."""
    address = f"10.202.{number // 250}.{number % 250 + 2}"
    container = {"name": "web", "image": "web:1", "ports": [{"containerPort": 8080}]}
    return {
        "metadata": {"name": f"web-{number}", "namespace": "bench", "uid": str(number), "labels": {"app": "web"}},
        "spec": {"containers": [container], "nodeName": "node1"},
        "status": {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def endpoint(of: dict[str, Any]) -> dict[str, Any]:
    """The pod as a ready endpoint."""
    target = {"kind": "Pod", "name": of["metadata"]["name"], "namespace": "bench"}
    return {"addresses": [of["status"]["podIP"]], "conditions": {"ready": True}, "targetRef": target}


class World:
    """What the server holds, and what was asked of it. `arrivals` are perf_counter seconds."""

    def __init__(self, pods: int, *, selected: bool = True) -> None:
        self.pods = [pod(number) for number in range(pods)]
        self.service = {
            "metadata": {"name": "web", "namespace": "bench"},
            "spec": {
                "clusterIP": "10.96.0.80",
                "clusterIPs": ["10.96.0.80"],
                "ipFamilies": ["IPv4"],
                "selector": {"app": "web" if selected else "wbe"},
                "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
            },
        }
        self.selected = selected
        self.arrivals: list[float] = []
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def answer(self, path: str, query: dict[str, list[str]]) -> dict[str, Any] | None:
        """The object or the page of a list; None for what is not there."""
        last = path.rstrip("/").rpartition("/")[2]
        if path.endswith("/services/web"):
            return self.service
        if last == "pods":
            labels = query.get("labelSelector", ["app=web"])[0]
            return page(self.pods if labels == "app=web" else [], query)
        if last == "endpointslices":
            return page([self.slice()] if self.selected else [], query)
        return page([], query) if "/namespaces/bench/" in path and last != "web" else None

    def slice(self) -> dict[str, Any]:
        """All pods in one slice: the size of a slice is not what is measured."""
        return {
            "metadata": {"name": "web-1", "namespace": "bench", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
            "endpoints": [endpoint(each) for each in self.pods],
        }


def page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """A list as the API server pages it, by `limit` and `continue`."""
    start = int(query.get("continue", ["0"])[0])
    end = start + int(query.get("limit", [str(len(items) or 1)])[0])
    return {"metadata": {"continue": str(end) if end < len(items) else ""}, "items": items[start:end]}


@contextmanager
def serving(world: World, folder: Path) -> Iterator[Path]:
    """Serve the world on a free loopback port; yields a kubeconfig that leads there."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            arrived = time.perf_counter()
            parts = urlsplit(self.path)
            with world.lock:
                world.arrivals.append(arrived)
                world.asked.append(self.path)
            found = world.answer(parts.path, parse_qs(parts.query))
            reason = {
                "kind": "Status",
                "status": "Failure",
                "reason": "NotFound",
                "code": 404,
                "message": "not found",
            }
            body = json.dumps(found or reason).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the reader wants the table."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kubeconfig = folder / "fake.kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(port=server.server_address[1]))
    try:
        yield kubeconfig
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
