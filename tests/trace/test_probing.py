"""Which probe keeps a pod from becoming ready, and the port it dials."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.trace.probing import failing_probes, probings, unready_probes
from tests.scenery import pod

HTTP = {"name": "http", "containerPort": 8080}


def probing(probe: dict[str, Any], **status: Any) -> list[tuple[str, int | None]]:
    made = pod(ready=False, container={"ports": [HTTP], "readinessProbe": probe}, status=status)
    return [(p.field, p.number) for p in unready_probes(made)]


@pytest.mark.parametrize(
    ("probe", "number"),
    [
        ({"httpGet": {"port": "http"}}, 8080),
        ({"httpGet": {"port": 9090}}, 9090),
        ({"tcpSocket": {"port": "9090"}}, 9090),
        ({"tcpSocket": {"port": "web"}}, None),
        ({"grpc": {"port": 9090}}, 9090),
    ],
)
def test_ports_by_number_and_name(probe: dict[str, Any], number: int | None) -> None:
    assert probing(probe) == [("readinessProbe", number)]


@pytest.mark.parametrize(
    "probe", [{"exec": {"command": ["true"]}}, {"httpGet": {"port": 80, "host": "example.test"}}]
)
def test_probes_that_do_not_dial_the_pod(probe: dict[str, Any]) -> None:
    assert probing(probe) == []
    assert [f.kind for f in failing_probes(pod(ready=False, container={"readinessProbe": probe}))] == ["readiness"]


def test_a_ready_container_has_no_failing_probe() -> None:
    made = pod(container={"readinessProbe": {"tcpSocket": {"port": 1}}})
    assert list(failing_probes(made)) == []
    assert [p.number for p in probings(made)] == [1]


def test_a_container_that_does_not_run_is_not_probed() -> None:
    assert probing({"tcpSocket": {"port": 1}}, state={"waiting": {"reason": "CrashLoopBackOff"}}) == []


@pytest.mark.parametrize(("started", "counts"), [(False, "startupProbe"), (True, "readinessProbe")])
def test_the_startup_probe_counts_until_the_container_has_started(started: bool, counts: str) -> None:
    probes = {"startupProbe": {"tcpSocket": {"port": 1}}, "readinessProbe": {"tcpSocket": {"port": 2}}}
    made = pod(ready=False, container=probes, status={"started": started})
    assert [p.field for p in unready_probes(made)] == [counts]


def test_a_name_of_another_container_does_not_count() -> None:
    sidecar = {"name": "proxy", "ports": [{"name": "web", "containerPort": 1}]}
    web = {"name": "web", "readinessProbe": {"tcpSocket": {"port": "web"}}}
    made = pod(ready=False, spec={"containers": [web, sidecar]})
    assert [p.number for p in unready_probes(made)] == [None]
