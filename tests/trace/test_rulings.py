"""Which views of a scene a cause gets."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from kubectl_refused.causes import Cause, Scope
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import EVENTS, HANDSHAKE, Dial, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.rulings import MOST_SUSPECTS, rule, views
from tests.scenery import dialled, endpoint_slice, pod, scene

UP, DOWN = pod("web-1"), pod("web-2", ip="10.0.0.2", ready=False)
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}
CRASHED = pod("web-3", ip="10.0.0.3", ready=False, status={"state": WAITING})


def looked_at(made: Scene, scope: Scope) -> list[tuple[str | None, str | None]]:
    """(endpoint's address, pod's name) of each view."""
    return [
        (v.endpoint.address if v.endpoint else None, v.pod.metadata.name if v.pod else None)
        for v in views(made, scope)
    ]


def test_route_sees_the_scene_once() -> None:
    assert looked_at(scene(UP, endpoint_slice(UP)), Scope.ROUTE) == [(None, None)]


def test_pods_are_looked_at_only_where_none_serves() -> None:
    assert looked_at(scene(UP, DOWN, endpoint_slice(UP, DOWN)), Scope.POD) == []
    assert looked_at(scene(DOWN, endpoint_slice(DOWN)), Scope.POD) == [(None, "web-2")]


@pytest.mark.parametrize("scope", [Scope.ENDPOINT, Scope.PROCESS])
def test_an_endpoint_that_accepted_is_no_suspect(scope: Scope) -> None:
    refused = scene(UP, endpoint_slice(UP), facts=dialled("10.0.0.1", 8080))
    accepted = scene(UP, endpoint_slice(UP), facts=dialled("10.0.0.1", 8080, Outcome.ACCEPTED))
    unknown = scene(UP, endpoint_slice(UP), facts={Need(HANDSHAKE, Dial("10.0.0.1", 8080)): Gap("a dial", "no")})
    assert looked_at(refused, scope) == looked_at(unknown, scope) == [("10.0.0.1", "web-1")]
    assert looked_at(accepted, scope) == []


def test_without_traffic_processes_of_unready_pods_are_looked_at() -> None:
    made = scene(DOWN, CRASHED, endpoint_slice(DOWN, CRASHED))
    assert looked_at(made, Scope.PROCESS) == [("10.0.0.2", "web-2"), (None, "web-3")]
    assert looked_at(made, Scope.ENDPOINT) == []


def test_a_pod_that_is_being_deleted_is_nobodys_fault() -> None:
    metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "web"}}
    going = pod("web-4", ready=False, metadata=metadata)
    assert looked_at(scene(going, endpoint_slice(going)), Scope.PROCESS) == []


def test_suspects_are_sampled() -> None:
    pods = [pod(f"web-{i}", ip=f"10.0.1.{i}") for i in range(MOST_SUSPECTS + 3)]
    assert len(looked_at(scene(*pods, endpoint_slice(*pods)), Scope.PROCESS)) == MOST_SUSPECTS


def _asks(made: Scene) -> Iterator[Finding]:
    yield Finding(where="here", says="told too early")
    made.need(EVENTS, PodKey("shop", "web-1"))


def test_a_cause_that_lacks_a_fact_says_nothing_yet() -> None:
    cause = Cause("KR999", "asks", "pod", Scope.ROUTE, frozenset({EVENTS}), frozenset(), None, "0.1", "", _asks)
    need, gap = Need(EVENTS, PodKey("shop", "web-1")), Gap("events", "forbidden")
    unknown = rule(scene(UP), [cause])
    assert unknown.found == ()
    assert [(o.need, o.gap) for o in unknown.open] == [(need, None)]
    assert rule(scene(UP, facts={need: gap}), [cause]).open[0].gap == gap
    assert [f.finding.says for f in rule(scene(UP, facts={need: ()}), [cause]).found] == ["told too early"]


def test_what_was_read_goes_when_nobody_needs_it() -> None:
    """Without the garbage collector, which hardly ever runs (cli/start.py)."""
    cause = Cause("KR999", "asks", "pod", Scope.ROUTE, frozenset({EVENTS}), frozenset(), None, "0.1", "", _asks)
    made = scene(UP)
    before = sys.getrefcount(made)
    gc.disable()
    try:
        assert rule(made, [cause]).open
        assert sys.getrefcount(made) == before
    finally:
        gc.enable()
