"""Turn the API server's answers, and the lack of them, into the errors of this package.

Messages of apimachinery are matched here and nowhere else (k8s.io/apimachinery/pkg/api/errors, apiserver's
endpoints/handlers/responsewriters/errors.go for the text of a 403).
"""

from __future__ import annotations

import ssl
import urllib.parse
from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from kubectl_refused.connection.errors import (
    ApiProblem,
    ConnectionProblem,
    CredentialsProblem,
    Forbidden,
    NotFound,
    Unreachable,
    one_line,
)
from kubectl_refused.decoders import decoded
from kubectl_refused.patterns import lazily

_DENIED = lazily(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"(?: in API group "(?P<group>[^"]*)")?'
    r'(?:.* in the namespace "(?P<namespace>[^"]*)")?'
)
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


class _Details(msgspec.Struct):
    name: str | None = None
    group: str | None = None
    kind: str | None = None


class _ListMeta(msgspec.Struct):
    continue_: str | None = msgspec.field(name="continue", default=None)


class Status(msgspec.Struct):
    """metav1.Status: how the API server says that something went wrong."""

    kind: str | None = None
    message: str | None = None
    reason: str | None = None
    details: _Details | None = None
    metadata: _ListMeta | None = None


class Response(Struct, frozen=True):
    """Any answer.

    `headers` have lower-case names, `body` is decompressed, `truncated` when it met our limit.
    """

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False

    @property
    def is_success(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    def api_status(self) -> Status | None:
        """Return the Status object that the body holds, None for anything else (an application's page)."""
        try:
            status = decoded(self.body, Status)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return status if status.kind == "Status" else None


class Request(Struct, frozen=True):
    """What was asked, for messages: `server` is the address without credentials, `who` the user's name."""

    method: str
    path: str
    server: str
    who: str


def problem_of(response: Response, request: Request) -> ConnectionProblem:
    """Return the error for an answer that is no success."""
    status = response.api_status()
    message = (status.message if status else None) or one_line(response.body[:400].decode(errors="replace"))
    if response.status == 401:
        says = f"{request.server} does not accept the credentials of {request.who}"
        return CredentialsProblem(
            f"{says} (401: missing, wrong or expired)", "log in again, or type --context or --token"
        )
    if response.status == 403:
        return _forbidden(status, message, request)
    if response.status == 404:
        details = (status.details if status else None) or _Details()
        missing = details.kind or resource_of(request.path)[0]
        # A path the server does not know at all gives plain text or a Status without a name.
        text = message if details.name else f"the API server has no {missing} ({request.path})"
        return NotFound(missing, details.name or "", text)
    reason = (status.reason if status else None) or response.reason
    return ApiProblem(response.status, reason, message, from_api_server=status is not None)


def _forbidden(status: Status | None, message: str, request: Request) -> Forbidden:
    if denied := _DENIED.search(message):
        group = f".{denied['group']}" if denied["group"] else ""
        return Forbidden(denied["verb"], denied["resource"] + group, denied["namespace"] or "", message)
    resource, namespace = resource_of(request.path)
    kind = (status.details.kind if status and status.details else None) or resource
    # Quota, Pod Security and policies also answer 403, with texts of their own: the rights are there.
    return Forbidden(_VERBS.get(request.method, "use"), kind, namespace, message, by_admission=status is not None)


def resource_of(path: str) -> tuple[str, str]:
    """Return (resource[/subresource], namespace) of an API path.

    `/api/v1/namespaces/shop/pods/x/log` → pods/log, shop.
    """
    words = [urllib.parse.unquote(word) for word in path.partition("?")[0].split("/") if word]
    words = words[2:] if words[:1] == ["api"] else words[3:] if words[:1] == ["apis"] else words
    namespace = ""
    if len(words) > 2 and words[0] == "namespaces":
        namespace, words = words[1], words[2:]
    resource = "/".join(words[0:1] + words[2:3])
    return resource or path, namespace


def unreachable(error: BaseException, request: Request) -> ConnectionProblem:
    """Return one clear line for a failed name, connection, TLS handshake or time-out."""
    chain = [*_chain(error)]
    names = {type(link).__name__ for link in chain}
    text = " ".join(str(link) for link in chain)
    host = urllib.parse.urlsplit(request.server).hostname or request.server
    if {"NameResolutionError", "gaierror"} & names:
        return Unreachable(
            f"the API server's name {host} cannot be resolved", "check server: in the kubeconfig, and the VPN"
        )
    if tls := _tls_problem(chain, text, request.server):
        return tls
    if "ProxyError" in names or "Tunnel connection failed" in text:
        return Unreachable(
            f"the proxy on the way to {request.server} refuses", "check HTTPS_PROXY, NO_PROXY and proxy-url"
        )
    if "ConnectionRefusedError" in names or "Connection refused" in text:
        return Unreachable(
            f"{request.server} refuses the connection", "is the cluster running? is the port in server: right?"
        )
    if {"ConnectTimeoutError", "ReadTimeoutError", "TimeoutError", "WebSocketTimeoutException"} & names:
        return Unreachable(
            f"{request.server} does not answer in time", "check the network or VPN, or raise --request-timeout"
        )
    if {
        "IncompleteRead",
        "RemoteDisconnected",
        "ConnectionResetError",
        "ProtocolError",
        "BrokenPipeError",
    } & names:
        return Unreachable(f"{request.server} closed the connection in the middle of an answer", "try again")
    last = one_line(str(chain[-1]), limit=160)
    return Unreachable(
        f"{request.server} cannot be reached: {last}", "check server: in the kubeconfig and the network"
    )


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and what it came from; urllib3 puts causes in `reason`, `args` and `__cause__`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 12:
        link = waiting.pop(0)
        if isinstance(link, BaseException) and link not in found:
            found.append(link)
            waiting += [getattr(link, "reason", None), link.__cause__, link.__context__, *link.args]
    return found


def _tls_problem(chain: list[BaseException], text: str, server: str) -> Unreachable | None:
    if not (any(isinstance(link, ssl.SSLError) for link in chain) or "SSLError" in text):
        return None
    verify = next((link for link in chain if isinstance(link, ssl.SSLCertVerificationError)), None)
    if verify is not None or "CERTIFICATE_VERIFY_FAILED" in text:
        detail = verify.verify_message if verify else text.rpartition("verify failed:")[2].partition("(_ssl")[0]
        says = f"the certificate of {server} is not trusted: {detail.strip()}"
        return Unreachable(says, "check certificate-authority and tls-server-name in the kubeconfig")
    if "WRONG_VERSION_NUMBER" in text or "HTTP_REQUEST" in text:
        return Unreachable(
            f"{server} does not speak TLS", "check the scheme and port of server: in the kubeconfig"
        )
    if "CERTIFICATE_REQUIRED" in text or "ALERT" in text.upper():
        return Unreachable(f"{server} refuses the TLS handshake", "check the client certificate in the kubeconfig")
    return Unreachable(
        f"the TLS handshake with {server} fails", "check server: in the kubeconfig and any proxy between"
    )
