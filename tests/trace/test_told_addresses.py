"""Whom manifests tell an address of a Service: read once for a namespace, and the same as asking every pod."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kubectl_refused.model.facts import PODS_IN, FactStore, NamespaceKey, Need
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace import told_addresses
from kubectl_refused.trace.client_settings import addresses
from kubectl_refused.trace.scenes import scenes
from kubectl_refused.trace.told_addresses import told_of_target
from tests.scenery import CLUSTER_IP, TARGET, pod, scene, service


def client(name: str, *values: str) -> Pod:
    env = [{"name": f"URL_{number}", "value": value} for number, value in enumerate(values)]
    return pod(name, container={"env": env})


CLIENTS = (
    client("a", "http://other:80", "http://web:81", f"http://{CLUSTER_IP}:82"),
    client("b"),
    client("c", "http://web.shop.svc.cluster.local:83", "http://web.elsewhere:84", "http://webs:85"),
)


def looked_at(*clients: Pod) -> Scene:
    facts = {Need(PODS_IN, NamespaceKey("shop")): clients}
    return scene(service(), *clients, facts=facts, origin="files")


def test_names_and_addresses_of_the_service_are_told_in_the_order_of_the_pods() -> None:
    told = [(one.metadata.name, found.port) for one, found in told_of_target(looked_at(*CLIENTS))]
    assert told == [("a", 81), ("a", 82), ("c", 83)]


def test_pods_are_read_once_for_all_services_of_the_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(one: Pod, maps: Any) -> Any:
        read.append(one.metadata.name)
        return addresses(one, maps)

    monkeypatch.setattr(told_addresses, "addresses", counted)
    first = looked_at(*CLIENTS)
    other = dataclasses.replace(TARGET, name="other")
    facts = FactStore(dict(first.facts.known))
    (second,) = scenes(other, first.snapshot, facts, first.vantage)
    assert [found.port for _, found in told_of_target(second)] == [80]
    assert [found.port for _, found in told_of_target(first)] == [81, 82, 83]
    assert read == ["a", "c"]  # b has no variables
