"""A cluster that answers LISTs and watches from objects in memory, over HTTP; tests change it while it serves."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.connection.fake_api import Answer, FakeApi, Seen, serving, status

LONGEST = 20.0  # seconds of a watch, so that a test that hangs ends
NAP = 0.02
KINDS = {
    "services": "Service",
    "endpointslices": "EndpointSlice",
    "pods": "Pod",
    "networkpolicies": "NetworkPolicy",
}


def service(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """svc/NAME of app=NAME; `more` is merged into its metadata."""
    spec = {"clusterIP": "10.96.0.7", "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"kind": "Service", "metadata": {"name": name, "namespace": namespace, **more}, "spec": spec}


def behind(
    name: str, namespace: str = "shop", *, ready: bool = True, address: str = "10.0.0.1"
) -> list[dict[str, Any]]:
    """The pod of svc/NAME and its slice."""
    pod = {
        "kind": "Pod",
        "metadata": {"name": f"{name}-1", "namespace": namespace, "labels": {"app": name}},
        "spec": {"nodeName": "node1", "containers": [{"name": "web", "image": "web:1"}]},
        "status": {
            "phase": "Running",
            "podIP": address,
            "containerStatuses": [{"name": "web", "image": "web:1", "ready": ready, "state": {"running": {}}}],
        },
    }
    part = {
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-x",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "x"},
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [address],
                "conditions": {"ready": ready},
                "targetRef": {"kind": "Pod", "name": f"{name}-1", "namespace": namespace},
            }
        ],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    }
    return [pod, part]


class FakeCluster:
    """`objects` may be replaced while it serves; who watches is told. `gone` watches get 410 and no event."""

    def __init__(self, *objects: dict[str, Any], namespaces: tuple[str, ...] = ("shop",)) -> None:
        self.objects = list(objects)
        self.namespaces = namespaces
        self.watchable = True
        self.gone = 0
        self.api: FakeApi
        self._version = 0
        self._changed = threading.Condition()

    def become(self, *objects: dict[str, Any]) -> None:
        """Hold these objects from now on."""
        with self._changed:
            self.objects, self._version = list(objects), self._version + 1
            self._changed.notify_all()

    @property
    def lists(self) -> list[str]:
        """The path of every LIST so far, with `?limit…` left out."""
        return [s.path for s in self.api.seen if s.method == "GET" and "limit" in s.query]

    @property
    def watches(self) -> list[str]:
        """The path of every watch so far."""
        return [s.path for s in self.api.seen if "watch" in s.query]

    @contextlib.contextmanager
    def serving(self) -> Iterator[FakeCluster]:
        """Serve on loopback for the length of a block."""
        with serving(self._answer) as self.api:
            yield self

    def _answer(self, seen: Seen) -> Answer:
        resource, _, name = seen.path.rpartition("/")
        if seen.path == "/api/v1/namespaces":
            return Answer(body={"items": [{"metadata": {"name": space}} for space in self.namespaces]})
        if resource == "/api/v1/namespaces":
            return (
                Answer() if name in self.namespaces else status(404, "NotFound", f'namespaces "{name}" not found')
            )
        if "watch" in seen.query:
            return self._watched(seen)
        if name in KINDS:
            return Answer(body={"items": list(self._found(seen))})
        found = [one for one in self.objects if one["metadata"]["name"] == name and one["kind"] == "Service"]
        if resource.endswith("/services"):
            return Answer(body=found[0]) if found else status(404, "NotFound", f'services "{name}" not found')
        return Answer(body={"items": []})

    def _found(self, seen: Seen) -> list[dict[str, Any]]:
        """What a LIST or watch is about: of its kind, its namespace, and labels that match exactly."""
        parts = seen.path.split("/")
        kind = KINDS.get(parts[-1], "")
        space = parts[parts.index("namespaces") + 1] if "namespaces" in parts else ""
        pairs = [pair.partition("=") for pair in seen.query.get("labelSelector", "").split(",") if pair]
        return [
            one
            for one in self.objects
            if one["kind"] == kind
            and space in ("", one["metadata"]["namespace"])
            and all((one["metadata"].get("labels") or {}).get(key) == value for key, _, value in pairs)
        ]

    def _watched(self, seen: Seen) -> Answer:
        if not self.watchable:
            return status(403, "Forbidden", f'cannot watch resource "{seen.path.rpartition("/")[2]}"')
        self.gone, gone = max(self.gone - 1, 0), self.gone > 0

        def act(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Connection", "close")
            handler.end_headers()
            if gone:
                _send(handler, "ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
                return
            self._tell(handler, seen)

        return Answer(act=act)

    def _tell(self, handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        """Everything, and everything again after each change; ends when the reader has gone."""
        told, end = -1, time.monotonic() + LONGEST
        while time.monotonic() < end:
            with self._changed:
                if told == self._version:
                    self._changed.wait(NAP)
                fresh, told = told != self._version, self._version
            for one in self._found(seen) if fresh else ():
                _send(handler, "MODIFIED", one)


def _send(handler: BaseHTTPRequestHandler, kind: str, value: Any) -> None:
    handler.wfile.write(json.dumps({"type": kind, "object": value}).encode() + b"\n")
    handler.wfile.flush()
