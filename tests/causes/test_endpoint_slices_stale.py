"""Ready pods and the slices: when one that is missing there is a fault."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.causes.endpoints.endpoint_slices_stale import endpoint_slices_stale
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import EVENTS_OF, Need, WorkloadKey
from kubectl_refused.model.objects import Condition, EndpointSlice, Pod
from kubectl_refused.trace.statuses import seconds
from tests.scenery import endpoint_slice, pod, scene

SINCE = "2026-01-01T00:00:00Z"
NO_EVENTS: dict[Need, Any] = {Need(EVENTS_OF, WorkloadKey("shop", "Service", "web")): ()}


def ready(since: str | None = SINCE, **more: Any) -> Pod:
    """A pod whose Ready condition is true since then."""
    made = pod(**more)
    assert made.status
    condition = Condition(type="Ready", status="True", last_transition_time=since)
    return replace(made, status=replace(made.status, conditions=(condition,)))


def found(one: Pod, part: EndpointSlice, *, age: float = 60.0) -> list[Finding]:
    """What the cause says `age` seconds after SINCE."""
    at = (seconds(SINCE) or 0.0) + age
    return list(endpoint_slices_stale(scene(one, part, facts=NO_EVENTS, at=at)))


def test_a_pod_that_has_long_been_ready_is_missing() -> None:
    [finding] = found(ready(), endpoint_slice())
    assert "10.0.0.1" in finding.says


@pytest.mark.parametrize(
    ("one", "part", "age"),
    [
        pytest.param(ready(), endpoint_slice(), 5.0, id="just ready"),
        pytest.param(ready(since=None), endpoint_slice(), 60.0, id="nobody knows since when"),
        pytest.param(ready(), endpoint_slice(ready(), port=None), 60.0, id="listed, its port has no name there"),
        pytest.param(ready(ip="fd00::1"), endpoint_slice(), 60.0, id="of the other address family"),
        pytest.param(ready(metadata={"deletionTimestamp": SINCE}), endpoint_slice(), 60.0, id="being deleted"),
        pytest.param(ready(), endpoint_slice(ready(ip="10.0.0.2")), 60.0, id="another one serves"),
    ],
)
def test_what_follows_in_its_time_is_no_fault(one: Pod, part: EndpointSlice, age: float) -> None:
    labels = {**(one.metadata.labels or {}), "app": "web"}
    assert not found(replace(one, metadata=replace(one.metadata, labels=labels)), part, age=age)
