"""Where a pod runs, and which witnesses that makes unbelievable."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.model.objects import Metadata, Namespace, Node
from kubectl_refused.model.observation import Socket
from kubectl_refused.trace.runtimes import (
    app_container,
    app_sockets,
    foreign_node,
    forward_doubt,
    mesh_of,
    sandbox_of,
    veil_of,
)
from tests.scenery import pod

PROXY = {"name": "istio-proxy", "image": "proxy:1"}


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ({"spec": {"containers": [{"name": "web"}, PROXY]}}, "Istio"),
        ({"spec": {"initContainers": [{**PROXY, "restartPolicy": "Always"}]}}, "Istio"),
        ({"spec": {"initContainers": [PROXY]}}, None),
        ({"metadata": {"annotations": {"sidecar.istio.io/status": "{}"}}}, "Istio"),
        ({"spec": {"containers": [{"name": "web"}, {"name": "linkerd-proxy"}]}}, "Linkerd"),
        ({"metadata": {"annotations": {"linkerd.io/proxy-version": "edge-25.1.1"}}}, "Linkerd"),
        ({"metadata": {"annotations": {"kuma.io/sidecar-injected": "true"}}}, "Kuma"),
        ({"metadata": {"annotations": {"kuma.io/sidecar-injected": "false"}}}, None),
        ({"metadata": {"annotations": {"consul.hashicorp.com/connect-inject-status": "injected"}}}, "Consul"),
        ({"metadata": {"annotations": {"ambient.istio.io/redirection": "enabled"}}}, "Istio ambient"),
        ({"metadata": {"labels": {"istio.io/dataplane-mode": "ambient"}}}, "Istio ambient"),
        ({"spec": {"hostNetwork": True, "containers": [{"name": "web"}, PROXY]}}, None),
        ({}, None),
    ],
)
def test_meshes(made: dict[str, Any], name: str | None) -> None:
    found = mesh_of(pod(**made))
    assert (found.name if found else None) == name


def test_a_gateway_is_the_proxy_itself() -> None:
    gateway = pod(spec={"containers": [PROXY]}, metadata={"annotations": {"sidecar.istio.io/status": "{}"}})
    assert mesh_of(gateway) is None


def test_a_namespace_enrols_its_pods_and_a_pod_may_leave() -> None:
    space = Namespace(metadata=Metadata(name="shop", labels={"istio.io/dataplane-mode": "ambient"}))
    inside, out = pod(), pod(metadata={"labels": {"istio.io/dataplane-mode": "none"}})
    assert mesh_of(inside, space) is not None
    assert mesh_of(out, space) is None


@pytest.mark.parametrize(
    ("port", "taken"), [(8080, True), (9000, False), (9105, False), (9111, True), (4143, False)]
)
def test_ports_that_a_proxy_leaves_alone(port: int, taken: bool) -> None:
    spec = {"containers": [{"name": "web"}, {"name": "linkerd-proxy"}]}
    skips = {"config.linkerd.io/skip-inbound-ports": "9000, 9100-9110,x"}
    skipping = pod(spec=spec, metadata={"annotations": skips})
    assert (veil_of(skipping, port) is not None) is taken


def test_a_proxys_sockets_are_not_the_apps() -> None:
    meshed = pod(spec={"containers": [{"name": "web"}, PROXY]})
    have = (Socket("0.0.0.0", 15006), Socket("0.0.0.0", 9876, process="envoy"), Socket("0.0.0.0", 8080))
    assert [s.port for s in app_sockets(meshed, have)] == [8080]
    assert app_sockets(pod(), have) == have


def test_on_the_nodes_network_only_what_is_seen_as_the_pods_own_counts() -> None:
    have = (Socket("0.0.0.0", 22), Socket("0.0.0.0", 8080, pid=7, process="web"))
    assert [s.port for s in app_sockets(pod(spec={"hostNetwork": True}), have)] == [8080]


@pytest.mark.parametrize(
    ("spec", "labels", "told"),
    [
        ({"os": {"name": "windows"}}, {}, "a Windows node"),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, {}, "a Windows node"),
        ({}, {"kubernetes.io/os": "windows"}, "a Windows node"),
        ({}, {"type": "virtual-kubelet"}, "a virtual node"),
        ({"nodeName": "virtual-node-aci-linux"}, {}, "a virtual node"),
        ({"os": {"name": "linux"}}, {"kubernetes.io/os": "linux"}, ""),
    ],
)
def test_foreign_nodes(spec: dict[str, Any], labels: dict[str, str], told: str) -> None:
    assert foreign_node(pod(spec=spec), Node(metadata=Metadata(name="node1", labels=labels))) == told


@pytest.mark.parametrize(
    ("runtime", "name"),
    [("gvisor", "gVisor"), ("runsc-kvm", "gVisor"), ("kata-qemu", "Kata Containers"), ("nvidia", "")],
)
def test_sandboxes(runtime: str, name: str) -> None:
    boxed = pod(spec={"runtimeClassName": runtime})
    assert sandbox_of(boxed) == name
    assert bool(forward_doubt(boxed, accepted=False)) is bool(name)
    assert forward_doubt(boxed, accepted=True) == ""


@pytest.mark.parametrize(
    ("names", "default", "app"),
    [
        (["istio-proxy", "web"], "", "web"),
        (["web", "istio-proxy"], "", "web"),
        (["helper", "web"], "web", "web"),
        (["helper", "web"], "gone", "helper"),
        (["istio-proxy"], "", "istio-proxy"),
    ],
)
def test_the_application_is_no_proxy(names: list[str], default: str, app: str) -> None:
    annotations = {"kubectl.kubernetes.io/default-container": default} if default else {}
    made = pod(spec={"containers": [{"name": name} for name in names]}, metadata={"annotations": annotations})
    assert app_container(made) == app
