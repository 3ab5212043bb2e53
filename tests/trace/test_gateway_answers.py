"""Proxies recognised by their own pages: as real ones wrote them, and by what merely looks alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.observation import HttpAnswer
from kubectl_refused.trace.gateway_answers import STATUSES, Trouble, gateway_of

# Pages as the programs wrote them: nginx 1.22.1, HAProxy 2.6.12, Envoy 1.40.0 on the cluster of the suite; the
# others recorded from issues and sources (istio issue 41090, Traefik's load balancer, Linkerd's proxy).
NGINX = (
    "<html> <head><title>{0}</title></head> <body> <center><h1>{0}</h1></center> <hr><center>nginx/1.22.1</center>"
    " </body> </html>"
)
ENVOY = "upstream connect error or disconnect/reset before headers. reset reason: "
HAPROXY = "<html><body><h1>{0}</h1> {1} </body></html>"
OLDER = ENVOY + "connection failure, transport failure reason: delayed connect error: 111"
REAL = [
    (502, "nginx/1.22.1", NGINX.format("502 Bad Gateway"), "nginx", Trouble.FAILED),
    (504, "nginx/1.22.1", NGINX.format("504 Gateway Time-out"), "nginx", Trouble.TIMEOUT),
    (503, "nginx/1.22.1", NGINX.format("503 Service Temporarily Unavailable"), "nginx", Trouble.NONE_LEFT),
    (503, "envoy", ENVOY + "remote connection failure", "Envoy", Trouble.UNREACHED),
    (503, "istio-envoy", OLDER, "Envoy", Trouble.REFUSED),
    (503, "envoy", ENVOY + "connection termination", "Envoy", Trouble.BROKEN_OFF),
    (503, "envoy", "no healthy upstream", "Envoy", Trouble.NONE_LEFT),
    (504, "envoy", "upstream request timeout", "Envoy", Trouble.TIMEOUT),
    (
        503,
        "",
        HAPROXY.format("503 Service Unavailable", "No server is available to handle this request."),
        "HAProxy",
        Trouble.NONE_LEFT,
    ),
    (
        502,
        "",
        HAPROXY.format("502 Bad Gateway", "The server returned an invalid or incomplete response."),
        "HAProxy",
        Trouble.BROKEN_OFF,
    ),
    (503, "", "no available server", "Traefik", Trouble.NONE_LEFT),
    (502, "", "Bad Gateway", "Traefik", Trouble.FAILED),
]


@pytest.mark.parametrize(("status", "server", "said", "proxy", "trouble"), REAL)
def test_a_proxy_is_known_by_its_page(status: int, server: str, said: str, proxy: str, trouble: Trouble) -> None:
    found = gateway_of(HttpAnswer(status, server, said))
    assert found is not None
    assert (found.proxy, found.trouble) == (proxy, trouble)
    assert "<" not in found.said


@pytest.mark.parametrize(("error", "trouble"), [
    ("error trying to connect: connection refused (os error 111)", Trouble.REFUSED),
    ("service in fail-fast", Trouble.NONE_LEFT),
    ("connect timed out after 1s", Trouble.TIMEOUT),
])  # fmt: skip
def test_linkerd_tells_in_a_header(error: str, trouble: Trouble) -> None:
    found = gateway_of(HttpAnswer(502, "", "", error))
    assert found is not None
    assert (found.proxy, found.trouble, found.said) == ("Linkerd's proxy", trouble, error)


@pytest.mark.parametrize("answer", [
    HttpAnswer(200, "nginx/1.22.1", NGINX.format("502 Bad Gateway")),  # a page about such pages
    HttpAnswer(500, "envoy", ENVOY + "remote connection failure"),
    HttpAnswer(503, "envoy", '{"status": "down for maintenance"}'),  # Envoy signs what passes through it
    HttpAnswer(503, "gunicorn", "no available server"),  # Traefik signs nothing
    HttpAnswer(503, "nginx", "<h1>our shop is closed: no healthy upstream</h1>"),
    HttpAnswer(502, "", "Bad Gateway: the bank said no"),
    HttpAnswer(503, "Apache", HAPROXY.format("503 Service Unavailable", "No server is available")),
    HttpAnswer(503),
    None,
])  # fmt: skip
def test_an_app_of_its_own_is_no_proxy(answer: HttpAnswer | None) -> None:
    assert gateway_of(answer) is None


HOSTILE = st.text(max_size=700)
PIECES = st.lists(
    st.sampled_from([ENVOY, "<html>", "<title>", "</title>", "<", " ", "reset reason: ", "<hr><center>", "nginx"]),
    max_size=120,
).map("".join)


@given(st.integers(), HOSTILE, HOSTILE | PIECES, HOSTILE)
def test_whatever_is_answered_is_judged(status: int, server: str, said: str, error: str) -> None:
    found = gateway_of(HttpAnswer(status, server, said, error))
    assert found is None or status in STATUSES


@given(st.sampled_from(REAL), HOSTILE.filter(lambda text: bool(text.strip())))
def test_what_stands_before_a_page_makes_it_another(real: tuple[int, str, str, str, Trouble], before: str) -> None:
    status, server, said, proxy, _ = real
    found = gateway_of(HttpAnswer(status, server, f"{before}|{said}"))
    assert found is None or found.proxy != proxy or before.lower().startswith(said[:8].lower())
