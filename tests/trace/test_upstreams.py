"""Whom a proxy sends to, by lines as nginx, HAProxy, Envoy and Go's proxies write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.trace.upstreams import MOST_UPSTREAMS, logged

# As nginx 1.22.1, HAProxy 2.6.12 and Envoy 1.40.0 wrote them on the cluster of the suite; Istio's and Traefik's
# recorded from issues.
NGINX = (
    "2026/11/29 08:26:25 [error] 8#8: *29 connect() failed (111: Connection refused) while connecting to upstream,"
    ' client: 10.202.1.133, server: , request: "GET / HTTP/1.1", upstream: "http://{0}/",'
    ' host: "10.202.1.206:8082"'
)
ENVOY = (
    '[2026-11-29T08:19:31.106Z] "GET / HTTP/1.1" 503 UF 0 98 0 - "10.203.0.1" "curl/8" '
    '"540ee13a-8369" "10.203.0.2:6443" "10.96.198.140:80"'
)
HAPROXY = (
    "10.202.2.238:47202 [29/Nov/2026:08:24:51.314] f8082 none/{0} 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0/0/0 0/0 "
    '"GET / HTTP/1.1"'
)
SETTINGS = """
backend other
  server one other:81
backend none
  option httpchk
  server one none:80 check
frontend f
  bind :80
  server no no:1
"""
ISTIO = (
    '[2026-11-29T08:19:31.106Z] "GET / HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl/8" "id" '
    '"shop:80" "-" outbound|80||cart.shop.svc.cluster.local - 10.96.1.1:80 10.0.0.1:5 - default'
)
TRAEFIK = "'502 Bad Gateway' caused by: dial tcp 10.42.0.9:8080: connect: connection refused"


@pytest.mark.parametrize(("line", "place"), [
    (NGINX.format("10.96.219.252:80"), ("10.96.219.252", 80)),
    (NGINX.format("[fd00::9]:80"), ("fd00::9", 80)),
    (ENVOY, ("10.96.198.140", 80)),
    (HAPROXY.format("<NOSRV>"), ("none", 80)),
    (HAPROXY.format("one"), ("none", 80)),
    (ISTIO, ("cart.shop.svc.cluster.local", 80)),
    (TRAEFIK, ("10.42.0.9", 8080)),
])  # fmt: skip
def test_a_line_names_the_upstream(line: str, place: tuple[str, int]) -> None:
    assert [found[:2] for found in logged([line], SETTINGS)] == [place]


@pytest.mark.parametrize("line", [
    ENVOY.replace("503 UF", "200 -"),
    ENVOY.replace("503 UF", "404 NR"),
    NGINX.format("10.1.1.1:80").replace("connect() failed", "client closed"),
    HAPROXY.format("one").replace(" 503 ", " 200 "),
    NGINX.format("10.1.1.1:99999"),
    NGINX.format("10.1.1.1:0"),
])  # fmt: skip
def test_what_did_not_fail_names_none(line: str) -> None:
    assert logged([line], SETTINGS) == ()


def test_of_a_log_written_late_all_are_told_the_last_first_and_each_once() -> None:
    lines = [ENVOY.replace("10.96.198.140", f"10.0.0.{n}") for n in (1, 2, 1, 3, 1)]
    assert [found.host for found in logged(lines)] == ["10.0.0.1", "10.0.0.3", "10.0.0.2"]


def test_of_a_log_written_at_once_the_last_line_stands() -> None:
    lines = [NGINX.format(f"10.0.0.{n}:80") for n in (1, 2, 3)]
    assert [found.host for found in logged(lines)] == ["10.0.0.3"]


def test_the_request_s_own_line_speaks_alone() -> None:
    lines = [NGINX.format("10.0.0.1:80"), NGINX.format("10.0.0.2:80").replace("8082", "8083")]
    assert [found.host for found in logged(lines, "", ['"10.202.1.206:8082"'])] == ["10.0.0.1"]
    assert [found.ours for found in logged(lines, "", ['"10.202.1.206:8082"'])] == [True]
    assert [found.ours for found in logged(lines, "", ['"10.202.1.206:9"', ""])] == [False]


LINES = st.lists(
    st.text(max_size=300) | st.sampled_from([NGINX.format("x:1"), ENVOY, HAPROXY, ISTIO]), max_size=40
)


@given(LINES, st.text(max_size=500) | st.just(SETTINGS), st.lists(st.text(max_size=9), max_size=3))
def test_whatever_is_logged_is_read(lines: list[str], settings: str, marks: list[str]) -> None:
    found = logged(lines, settings, marks)
    assert len(found) <= MOST_UPSTREAMS
    assert all(0 < told.port < 65536 and told.host for told in found)
