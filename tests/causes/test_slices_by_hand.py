"""EndpointSlices that people wrote: which ports of a Service they serve, and which they miss."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.causes.endpoints.no_selector_and_no_slice import no_selector_and_no_slice
from kubectl_refused.causes.endpoints.slice_port_name_differs import slice_port_name_differs
from kubectl_refused.model.evidence import Finding, NearestEvidence
from kubectl_refused.model.facts import SERVICES_IN, SLICES_IN, NamespaceKey, Need
from kubectl_refused.model.objects import EndpointSlice
from tests.case_folders import decoded
from tests.scenery import scene, service

HTTP = {"name": "http", "port": 80, "protocol": "TCP"}
ADMIN = {"name": "admin", "port": 81, "protocol": "TCP"}


def by_hand(*ports: dict[str, Any], name: str = "by-hand", **labels: str) -> EndpointSlice:
    """A slice of svc/web with one address."""
    mark = {"kubernetes.io/service-name": "web", **labels}
    made = decoded({
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "shop", "labels": mark},
        "endpoints": [{"addresses": ["10.0.0.9"]}],
        "ports": list(ports),
    })  # fmt: skip
    assert isinstance(made, EndpointSlice)
    return made


def found(*parts: EndpointSlice, ports: list[dict[str, Any]], **spec: Any) -> list[Finding]:
    """What the cause says of the Service's first port."""
    return list(slice_port_name_differs(scene(service(ports=ports, selector=None, **spec), *parts)))


@pytest.mark.parametrize(
    ("parts", "spec"),
    [
        pytest.param([by_hand(HTTP)], {}, id="the same name"),
        pytest.param([by_hand(ADMIN, HTTP)], {}, id="among others"),
        pytest.param([by_hand(ADMIN), by_hand(HTTP, name="more")], {}, id="in another slice"),
        pytest.param([by_hand(ADMIN)], {"clusterIP": "None"}, id="headless"),
    ],
)
def test_what_kube_proxy_can_join_is_no_fault(parts: list[EndpointSlice], spec: dict[str, Any]) -> None:
    assert not found(*parts, ports=[HTTP], **spec)


def test_what_a_controller_made_is_not_patched() -> None:
    mark = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
    assert not found(by_hand(ADMIN, **mark), ports=[HTTP])


def test_the_port_that_no_other_port_needs_is_renamed() -> None:
    [finding] = found(by_hand(ADMIN, {**HTTP, "name": "web"}), ports=[HTTP, ADMIN])
    assert finding.fix
    assert finding.fix.request
    assert finding.fix.request.body == [{"op": "add", "path": "/ports/1/name", "value": "http"}]


def unlabelled(*, of: str = "", name: str = "web-by-hand") -> EndpointSlice:
    """A slice whose label names another Service, or none."""
    labels = {"kubernetes.io/service-name": of} if of else {}
    part = by_hand(HTTP, name=name)
    return replace(part, metadata=replace(part.metadata, labels=labels))


def meant(part: EndpointSlice, *others: str) -> list[str]:
    """Which slices the cause offers for svc/web beside those other Services."""
    named = [replace(service(), metadata=replace(service().metadata, name=name)) for name in others]
    space = NamespaceKey("shop")
    facts: dict[Need, Any] = {Need(SLICES_IN, space): (part,), Need(SERVICES_IN, space): tuple(named)}
    [finding] = no_selector_and_no_slice(scene(service(selector=None), facts=facts))
    return [claim.subject for claim in finding.evidence if isinstance(claim, NearestEvidence)]


def test_a_slice_without_the_label_is_offered_by_its_name() -> None:
    assert meant(unlabelled()) == ["endpointslice/web-by-hand"]
    assert meant(unlabelled(of="wbe", name="x")) == ["endpointslice/x"]


def test_another_services_slice_is_not_offered() -> None:
    assert not meant(unlabelled(of="wbe"), "wbe")
    assert not meant(unlabelled(name="database"))
