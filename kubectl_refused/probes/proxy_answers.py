"""What an answer through the API server's proxies says about the dial behind it. Pure.

Texts of Kubernetes (unchanged from 1.20 to 1.34):
- "error trying to reach service: …" with 503: apimachinery pkg/util/proxy/transport.go, RoundTrip; after the
  colon
  stands Go's own text of net and net/http.
- 'no endpoints available for service "x"', 503, and 'no service port 81 found for service "x"', 503:
  kubernetes
  pkg/registry/core/service/storage, ResourceLocation.
- "address not allowed", 400: pkg/proxy/util, IsProxyableIP (loopback and link-local pod addresses).
- "proxy error from X while dialing Y, code 502" and the like: the tunnel to the nodes (Konnectivity, k3s),
  not the dial. Whatever is no Status object, or a Status that these do not know, comes from the application.
"""

from __future__ import annotations

from kubectl_refused.connection.answers import Response
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import HttpAnswer, Outcome
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.dial_errors import outcome_of
from kubectl_refused.text import mask, one_line

REACHING = "error trying to reach service:"
# net/http says so only after a connection stood.
_AFTER_ACCEPT = (
    "malformed http",
    "http: server gave http response to https client",
    "eof",
    "connection reset by peer",
    "server closed idle connection",
    "transport connection broken",
    "broken pipe",
    "unexpected http",
    "http2:",
)
# A TLS record of type alert, as Go quotes bytes (RFC 8446, section 5.1).
_ALERT = lazily(r'malformed HTTP response "\\x15\\x03')
# A mesh's proxy in the application's place.
_PROXY_SAYS = ("upstream connect error", "os error 111", "error trying to connect")
_TUNNEL = ("proxy error from", "while dialing", "no agent available", "rpc error", "dial timeout, backstop")

MOST_SAID = 600  # characters of a page: those that proxies write themselves are shorter

Verdict = tuple[Outcome, str]


def verdict_of(response: Response) -> Verdict | Gap:
    """Return how the dial ended and the text that says so, or a Gap where the answer is about something else."""
    status = response.api_status()
    message = ((status.message if status else None) or "").strip()
    low = message.lower()
    if status is None:
        return Outcome.ACCEPTED, _answered(response)
    if REACHING in low:
        return _of_dial(message[low.index(REACHING) + len(REACHING) :].strip())
    if "no endpoints available for service" in low:
        return Outcome.REJECTED, message
    if "no service port" in low or "address not allowed" in low:
        return Gap("", message)
    return _of_api_server(response, message, low)


def speaks_of(detail: str) -> str:
    """The protocol that such a text tells: http of an answer, tls of an alert where an answer should have been."""
    if detail.startswith(("the application answers", "a proxy before the application answers")):
        return "http"
    return "tls" if _ALERT.search(detail) else ""


def http_answer(response: Response) -> HttpAnswer:
    """The answer as far as it tells who gave it. A page is only kept where it may be a proxy's own: it is nobody's
    business else."""
    headers = (one_line(response.headers.get(key) or "", 120) for key in ("server", "l5d-proxy-error"))
    server, error = headers
    page = response.body[:MOST_SAID].decode(errors="replace") if response.status in (502, 503, 504) else ""
    return HttpAnswer(response.status, server, one_line(mask(page), MOST_SAID), error)


def _answered(response: Response) -> str:
    """What a mesh's proxy says of the app behind it, else that the application answers.

    Envoy's page: "upstream connect error or disconnect/reset before headers. … delayed connect error: 111"
    (istio issue 41090); Linkerd's proxy puts its error into the header l5d-proxy-error.
    """
    if response.status in (502, 503, 504):
        said = response.headers.get("l5d-proxy-error") or response.body[:400].decode(errors="replace")
        if any(words in said.lower() for words in _PROXY_SAYS):
            return f"a proxy before the application answers {response.status}: {said}"
    return f"the application answers {response.status}"


def _of_dial(text: str) -> Verdict | Gap:
    low = text.lower()
    if any(words in low for words in _TUNNEL):
        return Gap("", f"the API server's tunnel to the nodes says: {text}")
    if "dial tcp" not in low and any(words in low for words in _AFTER_ACCEPT):
        return Outcome.ACCEPTED, text
    outcome = outcome_of(text)
    return (outcome, text) if outcome else Gap("", text)


def _of_api_server(response: Response, message: str, low: str) -> Verdict | Gap:
    """Tell the API server's own refusals from an application that itself speaks Status (an aggregated API)."""
    if response.status == 403 and "/proxy" in low:
        resource = "services/proxy" if "services/proxy" in low else "pods/proxy"
        return Gap("", f"forbidden: get {resource}", f"grant get {resource}")
    own = response.status in (401, 403, 404, 429, 500, 503) and "cannot get path" not in low
    if own and response.status != 404:
        return Gap("", message or f"the API server answers {response.status}")
    if response.status == 404 and ("pods " in low or "services " in low):
        return Gap("", message)
    return Outcome.ACCEPTED, f"the application answers {response.status}"
