"""Where the causes of pods and processes must say nothing, or less than proved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from kubectl_refused.causes import catalogue
from kubectl_refused.model.evidence import Certainty, Finding
from kubectl_refused.model.facts import (
    EVENTS,
    LISTENERS,
    LOG,
    WORKLOADS_IN,
    ContainerKey,
    NamespaceKey,
    Need,
    PodKey,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Condition, Event, KubernetesObject, Metadata, Pod, PodStatus
from kubectl_refused.model.observation import Log
from kubectl_refused.trace.rulings import views
from kubectl_refused.trace.statuses import seconds
from tests.scenery import dialled, endpoint_slice, listening, pod, scene, workload

POD = PodKey("shop", "web-1")
EXIT_1 = {"terminated": {"exitCode": 1, "reason": "Error"}}
STARTED = seconds("2026-01-01T00:00:00Z") or 0.0
NO_EVENTS: dict[Need, Any] = {Need(EVENTS, POD): ()}
NO_LOG: dict[Need, Any] = {
    Need(LOG, ContainerKey("shop", "web-1", name, previous)): Gap("log", "gone")
    for name in ("web", "setup")
    for previous in (True, False)
}


def findings(
    name: str, *objects: KubernetesObject, facts: Mapping[Need, Any] = {}, at: float = 0.0
) -> list[Finding]:
    """What one cause says of svc/web."""
    cause = next(c for c in catalogue() if c.name == name)
    whole = scene(*objects, facts={**NO_EVENTS, **NO_LOG, **facts}, at=at)
    return [found for view in views(whole, cause.scope) for found in cause.check(view)]


def of(name: str, one: Pod, facts: Mapping[Need, Any] = {}, at: float = 0.0) -> list[Finding]:
    return findings(name, one, endpoint_slice(one), facts=facts, at=at)


def event(message: str, reason: str = "Unhealthy") -> dict[Need, Any]:
    return {Need(EVENTS, POD): (Event(metadata=Metadata(), reason=reason, message=message, type="Warning"),)}


def test_a_job_that_is_done_is_no_crash() -> None:
    done = {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    assert of("crash_loop", pod(ready=False, status=done)) == []


def test_an_init_container_that_is_done_is_no_crash_and_one_in_a_loop_is() -> None:
    def starting(state: dict[str, Any]) -> Pod:
        made = pod(ready=False, status={"state": {"waiting": {"reason": "PodInitializing"}}})
        setup = pod("x", status={"name": "setup", "ready": False, "state": state}).status
        assert made.status is not None
        assert setup is not None
        return _with_init(made, setup.container_statuses)

    assert of("crash_loop", starting({"terminated": {"exitCode": 0}})) == []
    (found,) = of("crash_loop", starting({"waiting": {"reason": "CrashLoopBackOff"}}))
    assert found.where.startswith("init container setup")


def _with_init(made: Pod, statuses: Any) -> Pod:
    assert made.status is not None
    return msgspec.structs.replace(
        made, status=msgspec.structs.replace(made.status, init_container_statuses=statuses)
    )


RESTARTED = {"restartCount": 3, "lastState": EXIT_1}


@pytest.mark.parametrize(
    ("uptime", "sockets", "certainty"),
    [
        (30.0, [], Certainty.PROVED),
        (30.0, [("0.0.0.0", 9000)], Certainty.LIKELY),
        (3600.0, [], None),
    ],
)
def test_restarts_long_ago_explain_no_refusal(
    uptime: float, sockets: list[tuple[str, int]], certainty: Certainty | None
) -> None:
    facts = {**dialled("10.0.0.1", 8080), **listening("web-1", *sockets)}
    found = of("crash_loop", pod(status=RESTARTED), facts, at=STARTED + uptime)
    assert [f.certainty for f in found] == ([certainty] if certainty else [])


def test_a_pod_that_is_being_deleted_is_not_blamed() -> None:
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "web"}}
    crashed = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": EXIT_1}
    for name in ("crash_loop", "image_not_pulled", "unschedulable"):
        assert of(name, pod(ready=False, status=crashed, metadata=going)) == []


def test_a_container_being_created_is_no_fault_yet() -> None:
    creating = pod(ready=False, status={"state": {"waiting": {"reason": "ContainerCreating"}}})
    assert of("image_not_pulled", creating) == []
    (found,) = of("image_not_pulled", creating, event('MountVolume.SetUp failed: configmap "settings" not found'))
    assert found.certainty is Certainty.LIKELY
    assert found.headline == "ConfigMap settings does not exist"


@pytest.mark.parametrize(
    ("message", "headline"),
    [
        ("rpc error: 429 toomanyrequests: limit", "limits the rate of pulls"),
        ("pull access denied, authorization failed", "nobody without rights"),
        ("manifest unknown: tag v9", "does not exist"),
        ("dial tcp: lookup registry: no such host", "cannot reach the registry"),
        ("x509: certificate signed by unknown authority", "cannot reach the registry"),
        ("something else", "cannot be pulled"),
    ],
)
def test_why_an_image_is_not_pulled(message: str, headline: str) -> None:
    state = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "web:1"'}}}
    failed = event(f'Failed to pull image "web:1": {message}', "Failed")
    (found,) = of("image_not_pulled", pod(ready=False, status=state), failed)
    assert headline in found.headline
    assert [e.says for e in found.evidence if e.witness == "event"], "the event tells why, the state does not"


PROBED = {"readinessProbe": {"tcpSocket": {"port": 9090}}}


def test_a_probe_of_a_port_that_is_bound_is_right() -> None:
    for address in ("0.0.0.0", "127.0.0.1"):
        facts = listening("web-1", (address, 9090), ("0.0.0.0", 8080))
        assert of("readiness_probe_wrong_port", pod(ready=False, container=PROBED), facts) == []


def test_a_probe_of_a_pod_in_which_nothing_listens_may_be_right() -> None:
    assert of("readiness_probe_wrong_port", pod(ready=False, container=PROBED), listening("web-1")) == []


def test_without_sockets_or_events_nobody_knows() -> None:
    blind: dict[Need, Any] = {Need(LISTENERS, POD): Gap("listeners", "forbidden")}
    made = pod(ready=False, container=PROBED)
    assert of("readiness_probe_wrong_port", made, blind) == []
    refused = event("Readiness probe failed: dial tcp 10.0.0.1:9090: connect: connection refused")
    (found,) = of("readiness_probe_wrong_port", made, {**blind, **refused})
    assert found.certainty is Certainty.LIKELY


def test_where_probe_and_service_agree_the_app_may_not_be_up_yet() -> None:
    agreeing = pod(ready=False, container={"readinessProbe": {"tcpSocket": {"port": 8080}}})
    (found,) = of("readiness_probe_wrong_port", agreeing, listening("web-1", ("0.0.0.0", 9000)))
    assert found.certainty is Certainty.LIKELY


def test_a_ready_pod_has_no_probe_to_blame() -> None:
    missing = {"readinessProbe": {"tcpSocket": {"port": "nosuch"}}}
    for name in ("readiness_probe_wrong_port", "probe_port_name_missing", "readiness_probe_fails"):
        assert of(name, pod(container=missing)) == []


def test_a_refused_probe_is_not_an_answered_one() -> None:
    refused = event("Readiness probe failed: dial tcp 10.0.0.1:9090: connect: connection refused")
    assert of("readiness_probe_fails", pod(ready=False, container=PROBED), refused) == []


WORKLOADS = Need(WORKLOADS_IN, NamespaceKey("shop"))


def test_old_replica_sets_keep_zero_replicas() -> None:
    old = workload("ReplicaSet", "web-old", replicas=0, ownerReferences=[_controller("Deployment", "web")])
    assert findings("zero_replicas", endpoint_slice(), facts={WORKLOADS: (workload(replicas=3), old)}) == []
    assert findings("zero_replicas", endpoint_slice(), facts={WORKLOADS: (old,)}) == []


def test_an_operators_deployment_counts_and_the_operator_owns_the_fix() -> None:
    made = workload(replicas=0, ownerReferences=[_controller("Shop", "main")])
    (found,) = findings("zero_replicas", endpoint_slice(), facts={WORKLOADS: (made,)})
    assert found.fix is not None
    assert (found.fix.owner, found.fix.command) == ("Shop main", None)


def _controller(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "controller": True}


def test_no_workload_that_would_carry_the_selector_is_another_fault() -> None:
    assert findings("zero_replicas", endpoint_slice(), facts={WORKLOADS: ()}) == []


@pytest.mark.parametrize(
    ("message", "headline"),
    [
        ("0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}.", "the taint dedicated=gpu"),
        ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", "no node has enough nvidia.com/gpu"),
        ("0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.", "hostPort"),
        ("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "volume"),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", "node affinity"),
        ("", "no node takes its pod"),
    ],
)
def test_why_no_node_takes_the_pod(message: str, headline: str) -> None:
    (found,) = findings("unschedulable", _pending(message), endpoint_slice())
    assert headline in found.headline


def _pending(message: str) -> Pod:
    unscheduled = Condition(type="PodScheduled", status="False", reason="Unschedulable", message=message)
    return msgspec.structs.replace(pod(), status=PodStatus(phase="Pending", conditions=(unscheduled,)))


def test_a_low_port_that_is_served_or_a_high_one_is_not_denied() -> None:
    said = Log(("bind() to 0.0.0.0:8080: Permission denied",))
    denied = {Need(LOG, ContainerKey("shop", "web-1", "web", False)): said}
    facts = {**dialled("10.0.0.1", 8080), **listening("web-1"), **denied}
    assert of("low_port_denied", pod(), facts) == []
