"""The connection to one cluster: raw paths in, bytes and typed values out, every failure one of ours.

Thread-safe. `kubernetes.stream` is not used anywhere, since it patches the client while it runs; streams have
a file of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, overload

import msgspec

from kubectl_refused.connection import bodies
from kubectl_refused.connection.answers import Request, Response, problem_of
from kubectl_refused.connection.cancel import Cancel, end_socket
from kubectl_refused.connection.credentials import obtain
from kubectl_refused.connection.errors import ApiProblem, CredentialsProblem
from kubectl_refused.connection.kubeconfig import ResolvedConfig, resolve
from kubectl_refused.connection.options import ConnectionOptions, parse_timeout
from kubectl_refused.connection.paging import Page, Whole, pages
from kubectl_refused.connection.requests import Limits, Sender
from kubectl_refused.connection.transport import make_transport
from kubectl_refused.decoders import decoded

T = TypeVar("T")
Query = Iterable[tuple[str, str]]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class _Review(msgspec.Struct):
    class Outcome(msgspec.Struct):
        allowed: bool = False

    status: Outcome = msgspec.field(default_factory=Outcome)


class _Column(msgspec.Struct):
    name: str = ""


class _Row(msgspec.Struct):
    cells: tuple[Any, ...] = ()


class _Table(msgspec.Struct):
    columnDefinitions: tuple[_Column, ...] = ()
    rows: tuple[_Row, ...] = ()


class ServerVersion(msgspec.Struct, frozen=True):
    """`GET /version`: gitVersion is like v1.34.4, major and minor may carry a suffix (30+)."""

    major: str = ""
    minor: str = ""
    gitVersion: str = ""
    platform: str = ""


def connect(options: ConnectionOptions, cancel: Cancel | None = None) -> Connection:
    """Resolve the configuration, obtain credentials, and return a Connection. No request is made yet.

    Give `cancel` to be able to end a credential plugin that waits for a person. Raises NoConfiguration,
    BadConfiguration, CredentialsProblem or Cancelled.
    """
    timeout = parse_timeout(options.request_timeout)
    return Connection(resolve(options), Limits.of(timeout), cancel or Cancel())


class Connection:
    """One user's view of one cluster. Close it when done; `cancel.set()` ends all that waits in it."""

    def __init__(self, config: ResolvedConfig, limits: Limits, cancel: Cancel) -> None:
        self.config, self.limits, self.cancel = config, limits, cancel
        self.context_name, self.namespace = config.context_name, config.namespace
        self.user = config.user_name
        self.impersonated_user: str = str(config.user.get("as") or "")
        self._renewing = threading.Lock()
        self._streams: dict[int, Any] = {}
        self._credentials = obtain(config, self.cancel)
        self.transport = make_transport(config, self._credentials, self.cancel)
        self.server: str = self.transport.server
        self.sender = Sender(self)

    # What it cost.

    @property
    def requests_made(self) -> int:
        """HTTP requests sent so far, retries and streams included."""
        return self.sender.requests_made

    @property
    def bytes_read(self) -> int:
        """Body bytes that came over the wire so far (compressed size), streams not included."""
        return self.sender.bytes_read

    # Reading.

    def get_response(self, path: str, query: Query = (), *, limit: int = bodies.LARGEST) -> Response:
        """GET without judging the status: for the pod and service proxies, whose answers are findings.

        `limit` cuts the body (in bytes). Raises Unreachable or Cancelled only.
        """
        return self.sender.send("GET", path, query, limit=limit)

    def get_bytes(self, path: str, query: Query = ()) -> bytes:
        """GET and return the body of a success; raises a ConnectionProblem otherwise."""
        return self._checked("GET", path, query)

    @overload
    def get(self, path: str, query: Query = ...) -> Any: ...
    @overload
    def get(self, path: str, query: Query = ..., type: type[T] = ...) -> T: ...
    def get(self, path: str, query: Query = (), type: Any = Any) -> Any:
        """GET and decode JSON as `type` (a msgspec Struct); raises ApiProblem when the answer does not fit."""
        return _decode(self.get_bytes(path, query), type, path)

    def get_row(self, path: str) -> dict[str, str]:
        """Column to cell of an object's line as kubectl prints it; the server keeps the object itself.

        Raises a ConnectionProblem. See "Receiving resources as Tables" of the Kubernetes API concepts.
        """
        response = self.sender.send("GET", path, (("includeObject", "None"),), accept=TABLE)
        table = self.understood(response, path, _Table)
        names = [column.name for column in table.columnDefinitions]
        return {name: str(cell) for row in table.rows[:1] for name, cell in zip(names, row.cells, strict=False)}

    def list_items(self, path: str, query: Query = (), page_size: int = 500) -> Iterator[list[msgspec.Raw]]:
        """Yield the undecoded items page by page, as `list_pages` reads them."""
        return (page.items for page in self.list_pages(path, query, page_size))

    def list_pages(
        self,
        path: str,
        query: Query = (),
        page_size: int = 500,
        *,
        ahead: bool = False,
        whole: Whole | None = None,
    ) -> Iterator[Page]:
        """Yield pages (paging.py tells what becomes of tokens that expire); `ahead` is for who reads them all."""
        return pages(self, path, query, page_size, ahead=ahead, whole=whole)

    def understood(self, response: Response, path: str, type: type[T]) -> T:
        """The body of a GET's answer as `type`; raises a ConnectionProblem for any but a success that fits."""
        decoded_body: T = _decode(self.success(response, "GET", path), type, path)
        return decoded_body

    def can_i(
        self, verb: str, resource: str, group: str = "", subresource: str = "", namespace: str = "", name: str = ""
    ) -> bool:
        """Ask the cluster whether the (impersonated) user may do this.

        One SelfSubjectAccessReview, nothing is changed.
        """
        asked = {"verb": verb, "resource": resource, "group": group, "subresource": subresource}
        attributes = {key: text for key, text in {**asked, "namespace": namespace, "name": name}.items() if text}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer: _Review = _decode(self.create(path, review), _Review, path)
        return answer.status.allowed

    def server_version(self) -> ServerVersion:
        """Return the API server's version."""
        return self.get("/version", type=ServerVersion)

    # Changing.

    def create(self, path: str, body: object) -> bytes:
        """POST `body` (JSON-able or a Struct) and return what the server made of it."""
        return self._checked("POST", path, body=msgspec.to_builtins(body))

    def delete(self, path: str, uid: str | None = None, propagation: str = "Background") -> bytes:
        """DELETE; with `uid` only that very object (else 409 as ApiProblem). NotFound if it is gone already."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        return self._checked("DELETE", path, body=options)

    def patch(self, path: str, body: object, content_type: str, dry_run: bool = False) -> bytes:
        """PATCH with one of the API's patch types.

        `dry_run` has the server check and admit it without storing.
        """
        query = [("dryRun", "All")] if dry_run else []
        return self._checked("PATCH", path, query, body=msgspec.to_builtins(body), content_type=content_type)

    # Life.

    def clone(self, timeout: float | None = None) -> Connection:
        """Return a connection of its own with a fresh cancel flag, for clean-up after this one was cancelled.

        `timeout` is the limit of each of its requests in seconds; None keeps ours.
        """
        twin = object.__new__(Connection)
        twin.__dict__.update(self.__dict__)
        twin.limits = self.limits if timeout is None else Limits.of(timeout)
        twin.cancel, twin._renewing, twin._streams = Cancel(), threading.Lock(), {}
        twin.transport = make_transport(self.config, self._credentials, twin.cancel)
        twin.sender = Sender(twin)
        return twin

    def close(self) -> None:
        """End streams and drop kept-alive connections. May be called twice."""
        self.shutdown_streams()
        self.transport.close()

    def shutdown_streams(self) -> None:
        """End every open stream at once, from any thread or a signal handler.

        Their readers get an error or Cancelled.
        """
        for sock in tuple(self._streams.values()):
            end_socket(sock)

    def track_stream(self, sock: Any) -> None:
        """Have `sock` ended by `shutdown_streams` and by cancel."""
        self._streams[id(sock)] = sock
        self.cancel.register(sock)

    def forget_stream(self, sock: Any) -> None:
        """Undo `track_stream`."""
        self._streams.pop(id(sock), None)
        self.cancel.forget(sock)

    def renew_credentials(self) -> bool:
        """After a 401: run the plugin or read the token file again. False when that cannot help."""
        if not self._credentials.renewable:
            return False
        before = self._credentials
        with self._renewing:
            if self._credentials is before:  # else another thread has just done it
                try:
                    self._credentials = obtain(self.config, self.cancel)
                except CredentialsProblem:
                    return False
                if self._credentials == before:
                    return False
                self.transport = make_transport(self.config, self._credentials, self.cancel)
        return True

    def request_of(self, method: str, path: str) -> Request:
        """Describe a request for messages."""
        return Request(method, path, self.server, self.user or "the user")

    def _checked(
        self,
        method: str,
        path: str,
        query: Query = (),
        *,
        body: object = None,
        content_type: str = "application/json",
    ) -> bytes:
        response = self.sender.send(method, path, query, body=body, content_type=content_type)
        return self.success(response, method, path)

    def success(self, response: Response, method: str, path: str) -> bytes:
        """The body; raises a ConnectionProblem for any answer but a success."""
        if not response.is_success:
            raise problem_of(response, self.request_of(method, path))
        return response.body


def _decode(body: bytes, type_: Any, path: str) -> Any:
    try:
        return decoded(body, type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        says = f"{path} is not the JSON expected: {error}"
        raise ApiProblem(200, "BadAnswer", says, from_api_server=False) from error
