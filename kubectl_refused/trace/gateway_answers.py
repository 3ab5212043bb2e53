"""Who answered 502, 503 or 504, and whom it could not reach, by the answer's own words. Pure.

A status alone tells nothing: applications answer so, too, and Envoy puts its name on what passes through it. Only
the page that a proxy writes itself counts. From their sources: Envoy (source/common/router/router.cc and
http/utility.cc; 1.2x tells the errno, 1.40 says "remote connection failure" instead), nginx
(src/http/ngx_http_special_response.c), HAProxy (src/http.c, http_err_msgs), Traefik (its load balancer's "no
available server"; http.StatusText for the rest), Linkerd's proxy (the header l5d-proxy-error).
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from kubectl_refused.model.observation import HttpAnswer
from kubectl_refused.patterns import lazily

STATUSES = frozenset({502, 503, 504})


class Trouble(StrEnum):
    """What a proxy says of the way behind it, as it completes "nginx answers, and …"."""

    REFUSED = "its upstream refuses it"
    UNREACHED = "it cannot connect to its upstream"
    NONE_LEFT = "it has no upstream that works"
    TIMEOUT = "its upstream does not answer in time"
    BROKEN_OFF = "its upstream hangs up"
    FAILED = "it gets no answer from its upstream"


class Gateway(Struct, frozen=True):
    """A proxy that answered for another. `sure` is unset where other servers say the same."""

    proxy: str
    trouble: Trouble
    said: str
    sure: bool = True


class _Words(Struct, frozen=True):
    proxy: str
    status: frozenset[int]
    page: re.Pattern[str]
    trouble: Trouble
    sure: bool = True


def _words(proxy: str, status: tuple[int, ...], page: str, trouble: Trouble, sure: bool = True) -> _Words:
    return _Words(proxy, frozenset(status), lazily(page, re.IGNORECASE), trouble, sure)


_RESET = r"upstream connect error or disconnect/reset before headers\b.{0,80}"
_REASON = rf"{_RESET}reset reason: "
_NGINX = r"<html> ?<head> ?<title>%s</title>.{0,160}<hr ?/?> ?<center>(?:nginx|openresty|tengine)\b"
_HAPROXY = r"<html> ?<body> ?<h1>%s</h1> ?%s"
# The first that matches counts, so what tells more stands before what tells less.
_KNOWN = (
    _words("Envoy", (502, 503), rf"{_RESET}delayed connect error: 111\b", Trouble.REFUSED),
    _words("Envoy", (502, 503), rf"{_REASON}(?:remote )?connection (?:failure|refused)", Trouble.UNREACHED),
    _words("Envoy", (502, 503), rf"{_REASON}local connection failure", Trouble.UNREACHED),
    _words("Envoy", (502, 503, 504), rf"{_REASON}connection timeout", Trouble.TIMEOUT),
    _words("Envoy", (502, 503), rf"{_REASON}(?:connection termination|remote reset)", Trouble.BROKEN_OFF),
    _words("Envoy", (502, 503, 504), _RESET, Trouble.FAILED),
    _words("Envoy", (503,), r"no healthy upstream$", Trouble.NONE_LEFT),
    _words("Envoy", (504,), r"upstream request timeout$", Trouble.TIMEOUT),
    _words("nginx", (502,), _NGINX % "502 Bad Gateway", Trouble.FAILED),
    _words("nginx", (504,), _NGINX % "504 Gateway Time-out", Trouble.TIMEOUT),
    # Its limits of requests and connections say so as well.
    _words("nginx", (503,), _NGINX % "503 Service Temporarily Unavailable", Trouble.NONE_LEFT, sure=False),
    _words("HAProxy", (503,), _HAPROXY % ("503 Service Unavailable", "No server is available"), Trouble.NONE_LEFT),
    _words(
        "HAProxy", (502,), _HAPROXY % ("502 Bad Gateway", "The server returned an invalid"), Trouble.BROKEN_OFF
    ),
    _words("HAProxy", (504,), _HAPROXY % ("504 Gateway Time-out", "The server didn't respond"), Trouble.TIMEOUT),
    _words("Traefik", (503,), r"no available server$", Trouble.NONE_LEFT),
    _words("Traefik", (502,), r"bad gateway$", Trouble.FAILED, sure=False),
    _words("Traefik", (504,), r"gateway timeout$", Trouble.TIMEOUT, sure=False),
)
# net/http has no word for who it is: Traefik sets no Server header, whoever sets one is somebody else.
_NAMELESS = frozenset({"Traefik", "HAProxy"})
_LINKERD = (
    (lazily(r"connection refused|os error 111", re.IGNORECASE), Trouble.REFUSED),
    (lazily(r"timed? ?out", re.IGNORECASE), Trouble.TIMEOUT),
    (lazily(r"no (?:available )?endpoints|fail-?fast|unavailable", re.IGNORECASE), Trouble.NONE_LEFT),
    (lazily(r"connect", re.IGNORECASE), Trouble.UNREACHED),
)


def gateway_of(answer: HttpAnswer | None) -> Gateway | None:
    """The proxy that gave this answer in its upstream's place; None where nothing says so."""
    if answer is None or answer.status not in STATUSES:
        return None
    if answer.error:
        trouble = next((means for words, means in _LINKERD if words.search(answer.error)), Trouble.FAILED)
        return Gateway("Linkerd's proxy", trouble, answer.error)
    for known in _KNOWN:
        if answer.status in known.status and known.page.match(answer.said):
            if known.proxy in _NAMELESS and answer.server:
                continue
            return Gateway(known.proxy, known.trouble, plain(answer.said), known.sure)
    return None


def plain(page: str) -> str:
    """The page's text without its tags, on one line."""
    body = re.sub(r"<title>[^<>]{0,200}</title>", " ", page, flags=re.IGNORECASE)
    return " ".join(re.sub(r"<[^<>]{0,200}>", " ", body).split())
