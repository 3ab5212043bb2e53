"""What the kubelet reports of containers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.objects import Metadata, Pod
from kubectl_refused.trace.statuses import condition, reported, running, seconds
from tests.scenery import pod

ENDED = {"terminated": {"exitCode": 1}}


def test_a_pod_from_a_manifest_reports_nothing() -> None:
    promised = Pod(metadata=Metadata(name="web"))
    assert list(reported(promised)) == []
    assert not running(promised)
    assert condition(promised, "Ready") is None


@pytest.mark.parametrize("metadata", [{"deletionTimestamp": "2026-01-01T00:00:00Z"}])
def test_a_pod_on_its_way_out_reports_nothing(metadata: dict[str, str]) -> None:
    assert list(reported(pod(metadata=metadata))) == []


def test_running_means_every_container() -> None:
    assert running(pod())
    assert not running(pod(status={"state": {"waiting": {"reason": "CrashLoopBackOff"}}}))
    assert not running(pod(status={"state": ENDED}))


def test_the_last_exit_is_this_one_or_the_one_before() -> None:
    (up,) = reported(pod())
    (down,) = reported(pod(status={"state": ENDED}))
    (again,) = reported(pod(status={"lastState": ENDED}))
    assert up.last_exit is None
    assert down.last_exit is not None
    assert again.last_exit is not None
    assert down.shown == "container web"


def test_seconds_since_the_epoch() -> None:
    assert seconds("1970-01-01T00:01:00Z") == 60.0
    assert seconds(None) is None


@given(st.text())
def test_what_is_no_time_is_none(text: str) -> None:
    assert isinstance(seconds(text), float | None)
