"""From a Snapshot to Scenes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.objects import KubernetesObject
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Target, Vantage
from kubectl_refused.trace.questions import questions
from kubectl_refused.trace.scenes import scenes
from tests.scenery import CLUSTER_IP, endpoint_slice, pod, scene, service, snapshot

NAMED = [
    {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080},
    {"name": "admin", "port": 81, "protocol": "TCP", "targetPort": "admin"},
    {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
]


def all_scenes(target: Target, *objects: KubernetesObject, origin: str = "cluster") -> tuple[Scene, ...]:
    return scenes(target, snapshot(*objects, origin=origin), FactStore(), Vantage("objects"))


def test_no_service_is_one_bare_scene() -> None:
    (only,) = all_scenes(Target("web", "shop"))
    assert only.service is None
    assert only.port is None


def test_a_service_of_another_namespace_is_none() -> None:
    (only,) = all_scenes(Target("web", "other"), service())
    assert only.service is None


def test_without_a_port_every_tcp_port_is_walked() -> None:
    made = all_scenes(Target("web", "shop"), service(ports=NAMED))
    assert [s.port.port for s in made if s.port] == [80, 81]


@pytest.mark.parametrize(("asked", "number"), [("80", 80), ("admin", 81), ("81", 81)])
def test_a_port_by_number_or_name(asked: str, number: int) -> None:
    (only,) = all_scenes(Target("web", "shop", asked), service(ports=NAMED))
    assert only.port is not None
    assert only.port.port == number
    assert only.asked == f"svc/web:{number}"


@pytest.mark.parametrize("asked", ["53", "dns"])
def test_a_udp_port_that_was_asked_for_is_a_scene_that_nobody_dials(asked: str) -> None:
    (only,) = all_scenes(Target("web", "shop", asked), service(ports=NAMED), endpoint_slice(pod()), pod())
    assert only.port is not None
    assert only.port.protocol == "UDP"
    assert not only.is_dialled
    assert only.entrance_dial is None
    assert list(questions(only)) == []


def test_a_number_of_both_protocols_is_asked_about_as_tcp() -> None:
    ports = [{"name": p.lower(), "port": 53, "protocol": p, "targetPort": 53} for p in ("UDP", "TCP")]
    (only,) = all_scenes(Target("web", "shop", "53"), service(ports=ports))
    assert only.port is not None
    assert only.port.protocol == "TCP"


def test_a_port_that_is_not_there_is_a_scene_without_one() -> None:
    (only,) = all_scenes(Target("web", "shop", "8080"), service(ports=NAMED))
    assert only.service is not None
    assert only.port is None
    assert only.asked == "svc/web:8080"


def test_one_scene_for_each_family() -> None:
    dual = service(clusterIPs=[CLUSTER_IP, "fd00::7"], ipFamilies=["IPv4", "IPv6"])
    made = all_scenes(Target("web", "shop"), dual, endpoint_slice(pod()), pod())
    assert [(s.family, s.entrance, len(s.endpoints)) for s in made] == [
        ("IPv4", CLUSTER_IP, 1),
        ("IPv6", "fd00::7", 0),
    ]


def test_a_headless_service_has_no_entrance_and_translates_no_port() -> None:
    made = scene(service(clusterIP="None"), pod(), endpoint_slice(pod()))
    assert made.entrance_dial is None
    assert [e.port for e in made.endpoints] == [80], "the client dials the pod on the Service port"


def test_ready_follows_the_api() -> None:
    up, down = pod("web-1"), pod("web-2", ip="10.0.0.2", ready=False)
    made = scene(up, down, endpoint_slice(up, down))
    assert [e.ready for e in made.endpoints] == [True, False]
    assert [e.address for e in made.ready_endpoints] == ["10.0.0.1"]
    assert made.endpoints[0].pod == up


def test_an_endpoint_without_a_port_gets_no_traffic() -> None:
    made = scene(pod(), endpoint_slice(pod(), port=None))
    assert len(made.endpoints) == 1
    assert made.ready_endpoints == ()


def test_slices_are_matched_by_the_ports_name() -> None:
    made = scene(service(ports=NAMED), pod(), endpoint_slice(pod(), name="other"))
    assert made.ready_endpoints == ()


def test_only_pods_that_carry_the_whole_selector_are_selected() -> None:
    other = pod("db-1", metadata={"labels": {"app": "db"}})
    assert [p.metadata.name for p in scene(pod(), other).pods] == ["web-1"]
    assert scene(service(selector=None), pod()).pods == ()


def test_files_promise_endpoints() -> None:
    made = scene(pod(container={"ports": [{"name": "http", "containerPort": 9000}]}), origin="files")
    assert [(e.address, e.port, e.target_name) for e in made.endpoints] == [("", 8080, "web-1")]
    assert made.dialled is None


@given(st.text(max_size=8))
def test_any_port_asked_for_gives_exactly_one_scene_or_none_for_udp(asked: str) -> None:
    made = all_scenes(Target("web", "shop", asked or "x"), service(ports=NAMED))
    assert len(made) == (0 if asked in ("dns", "53") else 1)
