"""Servers that could not bind: what logs and sockets say together."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import LISTENERS, LOG, ContainerKey, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Log, Outcome
from kubectl_refused.trace.bind_failures import Failed, failed_binds, wanted_by
from kubectl_refused.trace.log_reasons import address_in_use
from tests.scenery import dialled, endpoint_slice, listening, pod, scene

IN_USE = "OSError: [Errno 98] Address already in use"
NO_SOCKETS = {Need(LISTENERS, PodKey("shop", "web-1")): Gap("listeners", "forbidden")}
CRASHED = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}


def log(*lines: str, previous: bool = False) -> dict[Need, Any]:
    return {Need(LOG, ContainerKey("shop", "web-1", "web", previous)): Log(lines, previous)}


def failed(made: Pod, facts: dict[Need, Any]) -> list[Failed]:
    whole = scene(made, endpoint_slice(made), facts=facts)
    view = whole.at_endpoint(whole.endpoints[0]) if made.status and _runs(made) else whole.at_pod(made)
    return list(failed_binds(view, made, address_in_use))


def _runs(made: Pod) -> bool:
    assert made.status is not None
    return all(s.state.running for s in made.status.container_statuses or ())


REFUSED = dialled("10.0.0.1", 8080)


@pytest.mark.parametrize(
    ("line", "sockets", "certainty"),
    [
        ("listen tcp :8080: address already in use", [], Certainty.PROVED),
        ("listen tcp :8080: address already in use", [("0.0.0.0", 9000)], Certainty.PROVED),
        (IN_USE, [], Certainty.PROVED),
        (IN_USE, [("0.0.0.0", 9000)], Certainty.LIKELY),
        ("listen tcp :9000: address already in use", [("0.0.0.0", 9000)], Certainty.LIKELY),
    ],
)
def test_a_container_that_runs_without_its_server(
    line: str, sockets: list[tuple[str, int]], certainty: Certainty
) -> None:
    (told,) = failed(pod(), {**REFUSED, **log(line), **listening("web-1", *sockets)})
    assert told.certainty is certainty


def test_unread_sockets_leave_it_likely() -> None:
    (told,) = failed(pod(), {**REFUSED, **log(IN_USE), **NO_SOCKETS})
    assert told.certainty is Certainty.LIKELY


@pytest.mark.parametrize("bound", ["0.0.0.0", "127.0.0.1", "10.9.9.9"])
def test_a_port_that_somebody_holds_is_another_fault(bound: str) -> None:
    assert failed(pod(), {**REFUSED, **log(IN_USE), **listening("web-1", (bound, 8080))}) == []


def test_an_old_line_in_the_log_of_a_server_that_answers_is_no_fault() -> None:
    accepted = dialled("10.0.0.1", 8080, Outcome.ACCEPTED)
    assert failed(pod(), {**accepted, **log(IN_USE)}) == []


def test_a_container_that_exits_tells_by_the_run_before() -> None:
    crashed = pod(ready=False, status={**CRASHED, "restartCount": 3})
    (told,) = failed(crashed, log(IN_USE, previous=True))
    assert told.certainty is Certainty.PROVED
    assert told.evidence[0].witness == "previous log"


def test_where_that_log_is_gone_the_last_one_tells() -> None:
    crashed = pod(ready=False, status={**CRASHED, "restartCount": 3})
    gone = {Need(LOG, ContainerKey("shop", "web-1", "web", True)): Gap("the previous log", "gone")}
    (told,) = failed(crashed, {**gone, **log(IN_USE)})
    assert told.evidence[0].witness == "log"


def test_between_two_exits_it_is_likely_only() -> None:
    again = pod(ready=False, status={"lastState": {"terminated": {"exitCode": 1}}, "restartCount": 2})
    (told,) = failed(again, {**log(IN_USE, previous=True)})
    assert told.certainty is Certainty.LIKELY


def test_the_port_comes_from_the_line_else_from_the_spec() -> None:
    crashed: dict[str, Any] = {"ready": False, "status": {**CRASHED, "restartCount": 1}}
    named = log("listen tcp :9000: address already in use", previous=True)
    declared = {"ports": [{"containerPort": 9100}]}
    assert [f.port for f in failed(pod(**crashed), named)] == [9000]
    assert [f.port for f in failed(pod(**crashed, container=declared), log(IN_USE, previous=True))] == [9100]
    assert [f.port for f in failed(pod(**crashed), log(IN_USE, previous=True))] == [8080], "the targetPort"


def test_who_wants_a_port() -> None:
    web = {"name": "web", "ports": [{"containerPort": 8080}], "command": ["app", "--port=8080"]}
    metrics = {"name": "metrics", "command": ["metrics", "--listen=:8080"]}
    dns = {"name": "dns", "ports": [{"containerPort": 8080, "protocol": "UDP"}]}
    made = pod(spec={"containers": [web, metrics, dns]})
    assert wanted_by(made) == {8080: ["web", "metrics"]}
