"""The demo's data: the manifests and what is expected of them belong together."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kubectl_refused.causes import catalogue
from tools import shop, tour

ALL = [document for path in sorted(shop.DEMO.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())]
SERVICES = [d["metadata"]["name"] for d in ALL if d["kind"] == "Service"]


def pod(*, ready: str = "False", scheduled: str = "True", **container: Any) -> dict[str, Any]:
    """A pod of svc/web as the API gives it, with one container in that state."""
    conditions = [{"type": "Ready", "status": ready}, {"type": "PodScheduled", "status": scheduled}]
    status = {"conditions": conditions, "containerStatuses": [{"state": container}]}
    return {"metadata": {"labels": {"app": "web"}}, "status": status}


def test_every_service_of_the_demo_has_an_expectation() -> None:
    assert sorted(row.service for row in shop.expected()) == sorted(SERVICES)


def test_the_shop_is_broken_enough_and_has_healthy_services() -> None:
    rows = shop.expected()
    assert len(rows) >= 10
    assert sum(row.packets is None for row in rows) >= 2


def test_every_expected_root_is_a_cause() -> None:
    names = {cause.slug for cause in catalogue()}
    wanted = {name for row in shop.expected() for name in (row.packets, row.objects) if name}
    assert wanted - names == set()


def test_no_image_needs_a_registry() -> None:
    specs = [d["spec"]["template"]["spec"] for d in ALL if d["kind"] == "Deployment"]
    images = {(c["image"], c["imagePullPolicy"]) for spec in specs for c in spec["containers"]}
    assert images == {
        ("localhost/busybox:1", "IfNotPresent"),
        ("localhost/python:3", "IfNotPresent"),
        ("localhost/thumbnails:2", "Never"),
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_has_a_file_of_its_own(name: str) -> None:
    kinds = [document["kind"] for document in shop.documents(name)]
    assert kinds.count("Service") == 1
    assert kinds.count("Deployment") == 1


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (pod(ready="True", running={}), "Ready"),
        (pod(running={}), "Unready"),
        (pod(scheduled="False"), "Pending"),
        (pod(waiting={"reason": "CrashLoopBackOff"}), "CrashLoopBackOff"),
        (pod(terminated={"exitCode": 1}), "Unknown"),
    ],
)
def test_a_pods_state_in_one_word(told: dict[str, Any], state: str) -> None:
    assert shop.state(told) == state


def test_waiting_ends_when_the_state_is_reached_and_ignores_pods_on_their_way_out() -> None:
    leaving = pod(running={})
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    answer = json.dumps({"items": [leaving, pod(ready="True", running={})]})
    row = shop.Expected("web", "Ready", None, None)
    assert shop.await_states(lambda *words: answer, [row], namespaces=["shop"]) == []


def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(shop, "POLL_SECONDS", 0.01)
    row = shop.Expected("web", "Ready", None, None)
    assert shop.await_states(lambda *words: '{"items": []}', [row], namespaces=["shop"]) == ["web"]


def test_roots_of_one_report_and_of_many() -> None:
    one: dict[str, Any] = {"kind": "Diagnosis", "target": "svc/web:80", "root": {"name": "crash-loop"}}
    two = {"kind": "Diagnosis", "target": "svc/api", "root": None}
    assert shop.roots(one) == {"web": "crash-loop"}
    assert shop.roots({"kind": "DiagnosisList", "items": [one, two]}) == {"web": "crash-loop", "api": None}


@pytest.mark.parametrize(
    ("wanted", "found", "good"),
    [
        ({"a": "x", "b": None}, {"a": "x", "b": None}, True),
        ({"a": "x"}, {"a": "y"}, False),
        ({"a": None}, {}, False),
        ({}, {"a": None}, True),
    ],
)
def test_the_tour_fails_on_any_difference(
    wanted: dict[str, str | None], found: dict[str, str | None], good: bool
) -> None:
    assert tour.compare(wanted, found) is good
