"""Where causes of ended containers and pods, of nodes and of endpoints' traffic must say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import (
    EVENTS,
    LISTENERS,
    LOOKUP,
    NODE,
    SERVICES_IN,
    WORKLOAD,
    WORKLOADS_IN,
    NameKey,
    NamespaceKey,
    Need,
    NodeKey,
    PodKey,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Condition, Event, Metadata, Node, NodeStatus, Pod, Workload
from kubectl_refused.model.observation import Listeners, Lookup, Outcome, Socket
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.rulings import views
from tests.scenery import CLUSTER_IP, dialled, endpoint_slice, pod, scene, service, workload

POD = PodKey("shop", "web-1")
NOBODYS = {Need(WORKLOAD, POD): Gap("the workload", "nothing made it")}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}
KILLED = "Container web failed liveness probe, will be restarted"
SILENT = dialled(CLUSTER_IP, 80, Outcome.TIMEOUT)


def said(name: str, whole: Scene) -> list[Finding]:
    """What one cause says of a scene."""
    cause = next(c for c in catalogue() if c.name == name)
    return [found for view in views(whole, cause.scope) for found in cause.check(view)]


def of(name: str, *objects: Any, facts: Mapping[Need, Any] = {}, at: float = 0.0) -> list[Finding]:
    return said(name, scene(*objects, facts=facts, at=at))


def ended(at: str = "2026-01-01T00:10:00Z", **more: Any) -> dict[str, Any]:
    exit_ = {"exitCode": 137, "reason": "Error", "finishedAt": at, **more}
    return {"restartCount": 3, "state": BACK_OFF, "lastState": {"terminated": exit_}}


def killing(at: str, message: str = KILLED) -> dict[Need, Any]:
    event = Event(metadata=Metadata(), reason="Killing", message=message, last_timestamp=at)
    return {**NOBODYS, Need(EVENTS, POD): (event,)}


@pytest.mark.parametrize(
    ("at", "message", "count"),
    [
        ("2026-01-01T00:09:58Z", KILLED, 1),
        ("2026-01-01T00:10:01Z", KILLED, 1),
        ("2026-01-01T00:01:00Z", KILLED, 0),  # it came back since, and crashed by itself
        ("2026-01-01T00:09:58Z", "Stopping container web", 0),
        ("2026-01-01T00:09:58Z", KILLED.replace("web", "web-sidecar"), 0),
    ],
)
def test_a_kill_is_the_probes_only_where_the_kubelet_says_so_of_this_end(
    at: str, message: str, count: int
) -> None:
    down = pod(ready=False, status=ended())
    found = of("liveness_probe_kills_container", down, endpoint_slice(down), facts=killing(at, message))
    assert len(found) == count


def test_a_container_that_was_killed_long_ago_and_runs_is_no_fault() -> None:
    status = {**ended(), "state": {"running": {"startedAt": "2026-01-01T00:10:10Z"}}}
    for name in ("liveness_probe_kills_container", "memory_limit_exceeded", "still_starting"):
        well = pod(status={**status, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}})
        facts = {**killing("2026-01-01T00:09:58Z"), **dialled("10.0.0.1", 8080, Outcome.ACCEPTED)}
        assert of(name, well, endpoint_slice(well), facts=facts, at=2e9) == []


@pytest.mark.parametrize(("limit", "fixed"), [("64Mi", '"memory":"128Mi"'), ("1e9", ""), (None, "")])
def test_a_limit_is_doubled_only_where_it_can_be_read(limit: str | None, fixed: str) -> None:
    container = {"resources": {"limits": {"memory": limit}}} if limit else {}
    down = pod(
        ready=False,
        container=container,
        status=ended(reason="OOMKilled"),
        metadata={"ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]},
    )
    (found,) = of("memory_limit_exceeded", down, endpoint_slice(down), facts={Need(WORKLOAD, POD): workload()})
    assert found.fix is not None
    assert fixed in (found.fix.command or "")
    assert bool(found.fix.command) == bool(fixed)
    assert (limit or "its node") in f"{found.headline} {found.says}"


def evicted(name: str = "web-1") -> Pod:
    made = pod(name, ready=False)
    assert made.status is not None
    return replace(
        made, status=replace(made.status, phase="Failed", reason="Evicted", message="The node was low.")
    )


def test_an_evicted_pod_counts_only_where_no_other_is_alive() -> None:
    assert len(of("pod_ended_by_kubelet", evicted())) == 1
    assert of("pod_ended_by_kubelet", evicted(), pod("web-2", ip="10.0.0.2", ready=False)) == []


def test_a_pod_whose_containers_just_failed_was_ended_by_nobody() -> None:
    made = evicted()
    assert made.status is not None
    assert of("pod_ended_by_kubelet", replace(made, status=replace(made.status, reason=""))) == []


def refusing(message: str, *pods: Pod, replicas: int = 2) -> list[Finding]:
    conditions = (Condition(type="ReplicaFailure", status="True", reason="FailedCreate", message=message),)
    made = workload(replicas=replicas)
    wanted: Workload = replace(made, status=replace(made.status, conditions=conditions))
    facts = {Need(WORKLOADS_IN, NamespaceKey("shop")): (wanted,)}
    return of("workload_cannot_create_pods", *pods, facts=facts)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('pods "web-1" is forbidden: exceeded quota: few, requested: pods=1', "resourcequota few forbids it"),
        ('pods "web-1" is forbidden: maximum memory usage per Container is 1Gi', "a LimitRange forbids it"),
        (
            'pods "web-1" is forbidden: violates PodSecurity "restricted:latest": x',
            "Pod Security restricted:latest",
        ),
        ('admission webhook "a.example" denied the request: no', "admission webhook a.example denies it"),
        ('Internal error: failed calling webhook "a.example": refused', "a.example does not answer"),
        ("something new", "something new"),
    ],
)
def test_what_keeps_a_workload_from_its_pods_is_told(message: str, told: str) -> None:
    (found,) = refusing(message)
    assert told in found.headline
    assert found.fix is not None


def test_a_workload_that_has_some_pods_or_wants_none_is_let_alone() -> None:
    assert refusing("no more", pod(ready=False)) == []
    assert refusing("no more", replicas=0) == []


def node(status: str, name: str = "node1") -> dict[Need, Any]:
    made = Node(
        metadata=Metadata(name=name), status=NodeStatus(conditions=(Condition(type="Ready", status=status),))
    )
    return {Need(NODE, NodeKey(name)): made}


def with_ready(made: Pod, status: str, reason: str = "") -> Pod:
    assert made.status is not None
    conditions = (Condition(type="Ready", status=status, reason=reason),)
    return replace(made, status=replace(made.status, conditions=conditions))


@pytest.mark.parametrize(
    ("reason", "ready", "count"), [("", "Unknown", 1), ("", "True", 0), ("ContainersNotReady", "Unknown", 0)]
)
def test_a_node_is_blamed_for_pods_that_were_taken_out_only(reason: str, ready: str, count: int) -> None:
    out = with_ready(pod(ready=False), "False", reason)
    assert len(of("node_not_ready", out, endpoint_slice(out), facts=node(ready))) == count


def test_a_port_that_is_refused_comes_from_a_node_that_is_there() -> None:
    here = pod()
    assert of("node_not_ready", here, endpoint_slice(here), facts=dialled("10.0.0.1", 8080)) == []


def on(node_name: str, made: Scene) -> Scene:
    return replace(made, endpoints=tuple(replace(e, node=node_name) for e in made.endpoints))


@pytest.mark.parametrize(("policy", "node_name", "count"), [("Local", "node2", 1), ("Local", "node1", 0)])
def test_traffic_that_stays_local_has_its_endpoint_on_the_node(policy: str, node_name: str, count: int) -> None:
    here = pod()
    facts = {**SILENT, **dialled("10.0.0.1", 8080, Outcome.ACCEPTED)}
    made = scene(here, endpoint_slice(here), service(internalTrafficPolicy=policy), facts=facts)
    assert len(said("no_local_endpoint", on(node_name, made))) == count
    assert said("no_local_endpoint", on("node2", scene(here, endpoint_slice(here), facts=facts))) == []


def test_unready_addresses_are_no_fault_where_no_pod_is_ready() -> None:
    first, second = with_ready(pod(), "False"), with_ready(pod("web-2", ip="10.0.0.2"), "False")
    facts = {**NOBODYS, **dialled("10.0.0.1", 8080), **dialled("10.0.0.2", 8080)}
    published = service(publishNotReadyAddresses=True)
    name = "not_ready_addresses_published"
    assert of(name, first, second, endpoint_slice(first, second), published, facts=facts) == []
    well = with_ready(second, "True")
    (found,) = of(name, first, well, endpoint_slice(first, well), published, facts=facts)
    assert found.where == "pod/web-1"


def udp(*sockets: Socket, tcp: tuple[Socket, ...] = ()) -> dict[Need, Any]:
    listeners = Listeners(tcp, "exec", udp=sockets)
    return {**dialled("10.0.0.1", 8080), Need(LISTENERS, POD): listeners}


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        (udp(Socket("0.0.0.0", 8080)), 1),
        (udp(Socket("0.0.0.0", 5353)), 0),
        (udp(Socket("127.0.0.1", 8080)), 0),
        (udp(Socket("0.0.0.0", 8080), tcp=(Socket("127.0.0.1", 8080),)), 0),
        (udp(), 0),
    ],
)
def test_a_udp_socket_explains_only_its_own_port(facts: Mapping[Need, Any], count: int) -> None:
    here = pod()
    assert len(of("listens_on_udp_only", here, endpoint_slice(here), facts=facts)) == count


def leaving(name: str = "web-1", ip: str = "10.0.0.1") -> Pod:
    return pod(name, ip=ip, metadata={"deletionTimestamp": "2026-01-01T00:10:00Z"})


def test_a_pod_that_leaves_is_no_fault_where_another_waits_or_none_is_wanted() -> None:
    facts = {**NOBODYS, **dialled("10.0.0.1", 8080)}
    name, one = "terminating_endpoint_refuses", leaving()
    assert len(of(name, one, endpoint_slice(one), facts=facts)) == 1
    waits = pod("web-2", ip="10.0.0.2", ready=False)
    serving = scene(one, waits, endpoint_slice(one, waits), facts=facts)
    unready = tuple(replace(e, ready=False) for e in serving.endpoints)
    assert said(name, replace(serving, endpoints=unready)) == []
    owned = pod(
        metadata={
            "deletionTimestamp": "2026-01-01T00:10:00Z",
            "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}],
        }
    )
    idle = {**facts, Need(WORKLOAD, POD): workload(replicas=0)}
    assert of(name, owned, endpoint_slice(owned), facts=idle) == []


@pytest.mark.parametrize(
    ("named", "services", "count"),
    [("other", (), 1), ("web", (), 0), ("", (), 0), ("other", ("other",), 0), ("other", ("unrelated",), 1)],
)
def test_a_stateful_set_may_name_another_service_that_is_there(
    named: str, services: tuple[str, ...], count: int
) -> None:
    one = pod(metadata={"ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": True}]})
    made = workload("StatefulSet")
    headless = service(clusterIP="None")
    there = tuple(replace(headless, metadata=replace(headless.metadata, name=other)) for other in services)
    facts = {
        Need(WORKLOAD, POD): replace(made, spec=replace(made.spec, service_name=named)),
        Need(SERVICES_IN, NamespaceKey("shop")): there,
        **_unresolved(),
    }
    found = of("stateful_set_names_another_service", one, endpoint_slice(one), headless, facts=facts)
    assert len(found) == count


def _unresolved() -> dict[Need, Any]:
    name = "web-1.web.shop.svc"
    return {Need(LOOKUP, NameKey(name)): Lookup(name, (), 0.01, "probe-pod", "EAI_NONAME")}
