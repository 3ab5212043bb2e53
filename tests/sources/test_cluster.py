"""What is read for a Service, in how many requests, and what becomes of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import ApiProblem, CredentialsProblem, Unreachable
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Coverage, Snapshot, fold
from kubectl_refused.model.target import Target
from kubectl_refused.sources.cluster import ClusterSource
from tests.fakes import FakeConnection, as_connection, forbidden

NAMESPACE = "/api/v1/namespaces/shop"
SERVICE = f"{NAMESPACE}/services/web"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
PODS = f"{NAMESPACE}/pods"


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", **more}}


def service(selector: dict[str, str] | None) -> dict[str, Any]:
    return {**named("web"), "spec": {"selector": selector, "ports": [{"port": 80}]}}


HEALTHY: dict[str, Any] = {
    SERVICE: service({"tier": "x", "app": "web"}),
    SLICES: [
        {
            **named("web-1", labels={"kubernetes.io/service-name": "web"}),
            "endpoints": [{"addresses": ["10.0.0.1"]}],
        }
    ],
    PODS: [named("web-a"), named("web-b")],
}


def read(answers: dict[str, Any]) -> tuple[Snapshot, FakeConnection]:
    fake = FakeConnection(answers)
    return fold(ClusterSource(as_connection(fake), now=lambda: 1.0).read(Target("web", "shop"))), fake


def test_three_requests_read_the_path() -> None:
    snapshot, fake = read(HEALTHY)
    found = snapshot.service("shop", "web")
    assert found is not None
    assert [s.metadata.name for s in snapshot.slices_of(found)] == ["web-1"]
    assert [p.metadata.name for p in snapshot.pods("shop")] == ["web-a", "web-b"]
    assert snapshot.gaps == ()
    assert sorted(fake.asked) == [
        f"GET {SERVICE}",
        f"LIST {PODS}?labelSelector=app=web,tier=x",
        f"LIST {SLICES}?labelSelector=kubernetes.io/service-name=web",
    ]


def test_what_was_read_is_said() -> None:
    snapshot, _ = read(HEALTHY)
    assert snapshot.coverage == {
        Coverage("Service", "shop", "metadata.name=web"),
        Coverage("EndpointSlice", "shop", "kubernetes.io/service-name=web"),
        Coverage("Pod", "shop", "app=web,tier=x"),
    }


def test_without_endpoints_the_namespace_is_read_once() -> None:
    empty = [{**named("web-1", labels={"kubernetes.io/service-name": "web"}), "endpoints": None}]
    snapshot, fake = read({**HEALTHY, SLICES: empty})
    assert [asked for asked in fake.asked if "/pods" in asked] == [f"LIST {PODS}"]
    assert Coverage("Pod", "shop") in snapshot.coverage


def test_a_namespace_larger_than_a_page_is_asked_by_selector_too() -> None:
    snapshot, fake = read({**HEALTHY, SLICES: [], PODS: [named(f"web-{n}") for n in range(500)]})
    assert [asked for asked in fake.asked if "/pods" in asked] == [
        f"LIST {PODS}",
        f"LIST {PODS}?labelSelector=app=web,tier=x",
    ]
    assert Coverage("Pod", "shop") not in snapshot.coverage


@pytest.mark.parametrize("selector", [None, {}])
def test_without_a_selector_no_pods_are_read(selector: dict[str, str] | None) -> None:
    snapshot, fake = read({**HEALTHY, SERVICE: service(selector)})
    assert not any("/pods" in asked for asked in fake.asked)
    assert not snapshot.read("Pod", "shop")


def test_a_missing_service_is_read_and_absent() -> None:
    snapshot, _ = read({SLICES: []})
    assert snapshot.service("shop", "web") is None
    assert snapshot.read("Service", "shop")
    assert snapshot.gaps == ()


@pytest.mark.parametrize(
    ("path", "refusal", "gap"),
    [
        (
            SERVICE,
            forbidden("get", "services"),
            Gap("Services", "forbidden: get services in namespace shop", "grant get services"),
        ),
        (
            SLICES,
            forbidden("list", "endpointslices.discovery.k8s.io"),
            Gap(
                "EndpointSlices",
                "forbidden: list endpointslices in namespace shop",
                "grant list endpointslices.discovery.k8s.io",
            ),
        ),
        (
            PODS,
            forbidden("list", "pods"),
            Gap("Pods", "forbidden: list pods in namespace shop", "grant list pods"),
        ),
        (PODS, ApiProblem(500, "InternalError", "etcd is ill"), Gap("Pods", "etcd is ill")),
        (
            PODS,
            ApiProblem(429, "Too Many Requests", "Too many requests, please try again later."),
            Gap("Pods", "the API server answers 429, too many requests", "try again later"),
        ),
    ],
)
def test_a_refused_call_is_a_gap_and_the_rest_is_read(path: str, refusal: Exception, gap: Gap) -> None:
    snapshot, _ = read({**HEALTHY, path: refusal})
    assert snapshot.gaps == (gap,)
    assert len(snapshot.coverage) == (1 if path == SERVICE else 2)


@pytest.mark.parametrize("path", [SERVICE, SLICES, PODS])
@pytest.mark.parametrize("end", [Unreachable("no answer"), CredentialsProblem("expired")])
def test_what_ends_the_run_is_raised(path: str, end: Exception) -> None:
    with pytest.raises(type(end)):
        read({**HEALTHY, path: end})


def test_one_odd_object_does_not_fail_the_page() -> None:
    odd = b'{"metadata": {"name": 7}}'
    snapshot, _ = read({**HEALTHY, PODS: [named("web-a"), odd, named("web-b")]})
    assert len(snapshot.pods("shop")) == 2
    assert [gap.what for gap in snapshot.gaps] == ["one of the Pods"]


def test_an_odd_service_is_a_gap() -> None:
    snapshot, _ = read({**HEALTHY, SERVICE: b'{"metadata": []}'})
    assert [gap.what for gap in snapshot.gaps] == ["svc/web"]
    assert not snapshot.read("Service", "shop")


def test_the_bound_on_pods_is_said() -> None:
    snapshot, _ = read({**HEALTHY, PODS: [named(f"web-{i}") for i in range(5001)]})
    assert len(snapshot.pods("shop")) == 5000
    assert "more than the 5000" in snapshot.gaps[0].because


def test_text_in_objects_is_cleaned() -> None:
    status = {"phase": "Running", "message": "\x1b[2Jgone \u202eevil"}
    snapshot, _ = read({**HEALTHY, PODS: [{**named("web-a"), "status": status}]})
    (pod,) = snapshot.pods("shop")
    assert pod.status is not None
    assert pod.status.message == "gone evil"


def test_a_name_cannot_reach_another_path() -> None:
    fake = FakeConnection({})
    list(ClusterSource(as_connection(fake)).read(Target("../secrets/x", "shop")))
    assert f"GET {NAMESPACE}/services/..%2Fsecrets%2Fx" in fake.asked
