"""A run that only reads: every request that would create, dial or change is noted and answered with a refusal.

The seam is the Sender, below everything that talks to the cluster: whatever a method comes to create, from
however many clients, is what it would have sent, and no method can forget to ask whether this is a dry run.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kubectl_refused.connection.answers import resource_of
from kubectl_refused.connection.errors import ApiProblem, Forbidden
from kubectl_refused.connection.requests import Sender
from kubectl_refused.patterns import lazily

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

T = TypeVar("T")
SAYS = "dry run: not sent"
# Reviews ask what the user may do and are stored nowhere.
_REVIEW = lazily(r"/apis/auth(orization|entication)\.k8s\.io/v1/self\w+")
# Reads that dial or run something.
_DOES = lazily(r"/namespaces/[^/]+/(pods|services)/[^/]+/(exec|attach|portforward|proxy)(/|$)")


@dataclass(frozen=True)
class Create:
    """An object that would be created: the body as it would be sent."""

    path: str
    body: Any


@dataclass(frozen=True)
class Deed:
    """Anything else that would be done: `verb` is kubectl's (`exec`, `patch`); a command is in the query."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None


class RehearsalSender(Sender):
    """The Sender of a dry run. `creates` and `deeds` are what it held back, oldest first, each once.

    `forbidden` says in words what the user may not create, so that other ways were tried.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._noting = threading.Lock()
        self.creates: list[Create] = []
        self.deeds: list[Deed] = []
        self.forbidden: list[str] = []

    def open(self, method: str, path: str, query: list[tuple[str, str]], **more: Any) -> Any:
        """Send what only reads; answer the rest as a server that refuses it."""
        if (method == "GET" and not _DOES.search(path)) or _REVIEW.fullmatch(path):
            return super().open(method, path, query, **more)
        if method == "DELETE":  # of what was never created
            return _answer(200, {})
        body = msgspec.to_builtins(more.get("body"))
        if method == "POST":
            return self._create(path, body)
        if method == "GET":
            self.note(Deed("proxy", path))
            # As to somebody without the right, so that nobody takes it for the application's answer.
            return _status(403, "Forbidden", f"{SAYS}: {resource_of(path)[0]} {path}")
        verb = "dry run of patch" if ("dryRun", "All") in query else "patch"
        self.note(Deed(verb, path, body=body))
        return _status(405, "DryRun", SAYS)

    def prepare(self, path: str, query: Iterable[tuple[str, str]]) -> Any:
        """The URL and headers of a read. Raises ApiProblem for a stream, which websocket-client would open."""
        asked = tuple(query)
        found = _DOES.search(path)
        if found and found[2] != "proxy":
            self.note(Deed(found[2].replace("portforward", "port-forward"), path, asked))
            raise ApiProblem(405, "DryRun", SAYS)
        return super().prepare(path, asked)

    def note(self, deed: Deed) -> None:
        """Note what a method would have done by itself, not through the API server."""
        self._note(deed, self.deeds)

    def _create(self, path: str, body: Any) -> Any:
        """Refused for want of rights as in a real run, so that the same fallbacks are tried; else noted."""
        resource, namespace = resource_of(path)
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        if not self._may_create(resource, group, namespace):
            self._note(f"may not create {resource} in namespace {namespace}", self.forbidden)
            told = f'cannot create resource "{resource}" in API group "{group}" in the namespace "{namespace}"'
            return _status(403, "Forbidden", told)
        self._note(Create(path, body), self.creates)
        return _status(405, "DryRun", SAYS)

    def _may_create(self, resource: str, group: str, namespace: str) -> bool:
        try:
            return self._connection.can_i("create", resource, group, namespace=namespace)
        except (ApiProblem, Forbidden):
            return True  # no reviews here: the real run would find out by trying

    def _note(self, what: T, noted: list[T]) -> None:
        with self._noting:
            if what not in noted:
                noted.append(what)


def _status(code: int, reason: str, message: str) -> Any:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return _answer(code, {**body, "message": message})


def _answer(code: int, body: object) -> Any:
    """A response of urllib3's, as from the wire."""
    from urllib3 import HTTPResponse

    data = io.BytesIO(json.dumps(body).encode())
    return HTTPResponse(data, {"Content-Type": "application/json"}, code, preload_content=False)
