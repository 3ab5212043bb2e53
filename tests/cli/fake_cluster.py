"""A cluster that answers LISTs and watches from objects in memory, over HTTP; tests change it while it serves."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.connection.fake_api import Answer, FakeApi, Seen, serving, status

LONGEST = 20.0  # seconds of a watch, so that a test that hangs ends
NAP = 0.02
_AMONG = re.compile(r"([\w./-]+) in \(([^)]*)\)")
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
        self.refused: set[str] = set()  # resources that may neither be listed nor watched
        self.away = False  # it hangs up
        self.gone = 0
        self.marked = 0  # bookmarks that were sent
        self.api: FakeApi
        self._version, self._oldest, self._cuts = 1, 0, 0
        self._log: list[tuple[int, str, dict[str, Any]]] = []
        self._changed = threading.Condition()

    def become(self, *objects: dict[str, Any]) -> None:
        """Hold these objects from now on."""
        with self._changed:
            before, after = _keyed(self.objects), _keyed(objects)
            self.objects, self._version = list(objects), self._version + 1
            news = [("MODIFIED" if key in before else "ADDED", one) for key, one in after.items()]
            news = [(kind, one) for kind, one in news if one not in before.values()]
            news += [("DELETED", one) for key, one in before.items() if key not in after]
            self._log += [(self._version, kind, one) for kind, one in news]
            self._changed.notify_all()

    def bookmark(self) -> None:
        """Tell who wants bookmarks that nothing of theirs has changed up to a new version."""
        with self._changed:
            self._version += 1
            self._log.append((self._version, "BOOKMARK", {"metadata": {}}))
            self._changed.notify_all()

    def forget(self) -> None:
        """Compact: nobody can go on from a version before this one."""
        with self._changed:
            self._oldest = self._version

    def cut(self) -> None:
        """End every watch that is open."""
        with self._changed:
            self._cuts += 1
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
        if self.away:
            return Answer(act=lambda handler: handler.connection.shutdown(socket.SHUT_RDWR))
        if seen.path == "/api/v1/namespaces":
            return Answer(body={"items": [{"metadata": {"name": space}} for space in self.namespaces]})
        if resource == "/api/v1/namespaces":
            return (
                Answer() if name in self.namespaces else status(404, "NotFound", f'namespaces "{name}" not found')
            )
        if name in self.refused:
            return _forbidden("watch" if "watch" in seen.query else "list", seen.path)
        if "watch" in seen.query:
            return self._watched(seen)
        if name in KINDS:
            with self._changed:
                found, version = [one for one in self.objects if _is_meant(seen, one)], str(self._version)
            return Answer(body={"metadata": {"resourceVersion": version}, "items": found})
        found = [one for one in self.objects if one["metadata"]["name"] == name and one["kind"] == "Service"]
        if resource.endswith("/services"):
            return Answer(body=found[0]) if found else status(404, "NotFound", f'services "{name}" not found')
        return Answer(body={"items": []})

    def _watched(self, seen: Seen) -> Answer:
        if not self.watchable:
            return _forbidden("watch", seen.path)
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
        """All there is unless a version is named, then every change, until the reader has gone or `cut`."""
        with self._changed:
            told, cuts = int(seen.query.get("resourceVersion") or self._version), self._cuts
            there = [] if "resourceVersion" in seen.query else list(self.objects)
            too_old = told < self._oldest
        if too_old:
            _send(handler, "ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
            return
        for one in there:
            if _is_meant(seen, one):
                _send(handler, "ADDED", one)
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            with self._changed:
                if told == self._version and cuts == self._cuts:
                    self._changed.wait(NAP)
                news, cut = [entry for entry in self._log if entry[0] > told], cuts != self._cuts
                told = self._version
            for version, kind, one in news:
                wanted = "allowWatchBookmarks" in seen.query if kind == "BOOKMARK" else _is_meant(seen, one)
                if wanted:
                    _send(handler, kind, one | {"metadata": one["metadata"] | {"resourceVersion": str(version)}})
                if wanted and kind == "BOOKMARK":
                    with self._changed:
                        self.marked += 1
            if cut:
                return


def _forbidden(verb: str, path: str) -> Answer:
    space = f' in the namespace "{path.split("/")[-2]}"' if "/namespaces/" in path else ""
    return status(403, "Forbidden", f'cannot {verb} resource "{path.rpartition("/")[2]}" in API group ""{space}')


def _is_meant(seen: Seen, one: dict[str, Any]) -> bool:
    """Whether a LIST or watch is about it: its kind, its namespace, and labels that match exactly."""
    parts = seen.path.split("/")
    space = parts[parts.index("namespaces") + 1] if "namespaces" in parts else ""
    query = seen.query.get("labelSelector", "")
    among = [(key, values.split(",")) for key, values in _AMONG.findall(query)]
    pairs = [pair.partition("=") for pair in _AMONG.sub("", query).split(",") if pair]
    labels = one["metadata"].get("labels") or {}
    return (
        one["kind"] == KINDS.get(parts[-1], "")
        and space in ("", one["metadata"]["namespace"])
        and all(labels.get(key) == value for key, _, value in pairs)
        and all(labels.get(key) in values for key, values in among)
    )


def _keyed(objects: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in objects}


def _send(handler: BaseHTTPRequestHandler, kind: str, value: Any) -> None:
    handler.wfile.write(json.dumps({"type": kind, "object": value}).encode() + b"\n")
    handler.wfile.flush()
