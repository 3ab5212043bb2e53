"""On which ports an app may be instead, and which ports are not the app's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.trace.candidate_ports import (
    MOST_CANDIDATES,
    MOST_FROM_LOGS,
    USUAL,
    app_ports,
    called,
    candidates,
    from_log,
    purpose,
)
from tests.scenery import pod


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("listening on 8080", 8080),
        ("Server listening on port 3000", 3000),
        ("INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", 8000),
        ("time=12:30:01 msg='serving on [::]:9443'", 9443),
        ("Tomcat started on port(s): 8085 (http)", 8085),
        ("Now listening on: http://[::]:5000", 5000),
        ("Example app listening at http://localhost:3000", 3000),
        ("connecting to db:5432", None),
        ("request took 8080 ms", None),
    ],
)
def test_ports_in_logs(line: str, port: int | None) -> None:
    assert list(from_log([line])) == ([port] if port else [])


@pytest.mark.parametrize(
    ("container", "first"),
    [
        ({"args": ["--port=3100"]}, 3100),
        ({"command": ["python", "-m", "http.server", "8111"]}, 8111),
        ({"env": [{"name": "ASPNETCORE_URLS", "value": "http://+:5111"}]}, 5111),
        ({"env": [{"name": "PORT", "value": "4111"}]}, 4111),
        ({"ports": [{"containerPort": 7111}]}, 7111),
        ({"readinessProbe": {"httpGet": {"port": 6111}}}, 6111),
        ({"lifecycle": {"preStop": {"httpGet": {"port": 6222, "path": "/quit"}}}}, 6222),
    ],
)
def test_what_the_spec_mentions_comes_first(container: dict[str, Any], first: int) -> None:
    assert candidates(pod(container=container), (), 9999)[0] == first


def test_an_annotation_is_worth_a_dial_and_the_log_too() -> None:
    annotated = pod(metadata={"annotations": {"prometheus.io/port": "9555", "prometheus.io/path": "/metrics"}})
    assert candidates(annotated, ["listening on :8123"], 9999)[:2] == (9555, 8123)


def test_the_port_that_refused_is_not_tried_again_and_proxies_ports_never() -> None:
    meshed = pod(container={"ports": [{"containerPort": 8080}, {"containerPort": 15021}]},
                 metadata={"annotations": {"sidecar.istio.io/status": "{}"}})  # fmt: skip
    tried = candidates(meshed, (), 8080)
    assert 8080 not in tried
    assert 15021 not in tried


def test_on_the_nodes_network_only_what_the_pod_itself_says_is_tried() -> None:
    spec = {"hostNetwork": True}
    assert candidates(pod(spec=spec, container={"args": ["--port", "3100"]}), (), 9999) == (3100,)


@given(st.lists(st.text(max_size=80), max_size=30), st.integers(1, 65535))
def test_a_log_cannot_make_the_search_long(lines: list[str], aimed: int) -> None:
    hostile = [f"listening on {port}" for port in range(20000, 20020)]
    tried = candidates(pod(), [*lines, *hostile], aimed)
    assert len(tried) == len(set(tried)) <= MOST_CANDIDATES
    assert aimed not in tried
    assert len([p for p in tried if p not in USUAL]) <= MOST_FROM_LOGS


NAMED = {"ports": [{"containerPort": 8080, "name": "http"}, {"containerPort": 9000, "name": "metrics"}]}
HEALTH = {"livenessProbe": {"httpGet": {"port": 8081, "path": "/healthz"}}}


@pytest.mark.parametrize(
    ("container", "port", "word"),
    [
        (NAMED, 9000, "metrics"),
        (NAMED, 8080, ""),
        (HEALTH, 8081, "health"),
        ({**HEALTH, "args": ["--port=8081"]}, 8081, ""),
        ({**HEALTH, "ports": [{"containerPort": 8081}]}, 8081, ""),
        ({}, 9090, ""),
    ],
)
def test_purposes_that_the_pod_names(container: dict[str, Any], port: int, word: str) -> None:
    assert purpose(pod(container=container), port) == word


def test_side_doors_are_left_out_and_customary_ones_come_last() -> None:
    web = pod(container=NAMED)
    assert app_ports(web, [9000, 9090, 8080]) == (8080, 9090)
    assert app_ports(pod(container={"ports": [{"containerPort": 9090}]}), [9090, 8080]) == (9090, 8080)
    assert (called(web, 9000), called(web, 9090), called(web, 8080)) == (
        "9000 (metrics)",
        "9090 (metrics)",
        "8080",
    )
