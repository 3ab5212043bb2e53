"""Objects and scenes for unit tests, in as few words as the test needs; everything else is healthy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, Dial, FactStore, Need, PodKey
from kubectl_refused.model.objects import EndpointSlice, KubernetesObject, Pod, Service, Workload
from kubectl_refused.model.observation import Handshake, Listeners, Outcome, Socket
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Change, Coverage, Snapshot, fold
from kubectl_refused.model.target import Target, Vantage
from kubectl_refused.trace.scenes import scenes

from .case_folders import decoded

TARGET = Target("web", "shop")
CLUSTER_IP = "10.96.0.7"


def service(*, ports: list[dict[str, Any]] | None = None, **spec: Any) -> Service:
    """svc/web in shop: port 80 to 8080 of app=web."""
    value = {
        "clusterIP": CLUSTER_IP,
        "selector": {"app": "web"},
        "ports": ports or [{"port": 80, "protocol": "TCP", "targetPort": 8080}],
        **spec,
    }
    made = decoded({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": value})
    assert isinstance(made, Service)
    return made


def pod(
    name: str = "web-1",
    *,
    ip: str = "10.0.0.1",
    ready: bool = True,
    container: Mapping[str, Any] = {},
    status: Mapping[str, Any] = {},
    spec: Mapping[str, Any] = {},
    metadata: Mapping[str, Any] = {},
) -> Pod:
    """A pod with one running container `web`, nobody's; `status` is merged into that container's status."""
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    made = decoded({
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}, **metadata},
        "spec": {"nodeName": "node1", "containers": [{"name": "web", "image": "web:1", **container}], **spec},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "containerStatuses": [{"name": "web", "image": "web:1", "ready": ready, "state": running, **status}],
        },
    })  # fmt: skip
    assert isinstance(made, Pod)
    return made


def workload(
    kind: str = "Deployment", name: str = "web", *, replicas: int | None = None, **metadata: Any
) -> Workload:
    """A workload whose pods carry app=web."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}}
    made = decoded({
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": {"replicas": replicas, "template": template},
    })  # fmt: skip
    assert isinstance(made, Workload)
    return made


def endpoint_slice(*pods: Pod, port: int | None = 8080, name: str = "") -> EndpointSlice:
    """The slice a controller would write for the pods: an endpoint is ready when its pod's containers are."""
    endpoints = [
        {
            "addresses": [p.status.pod_ip],
            "conditions": {"ready": all(s.ready for s in p.status.container_statuses or ())},
            "targetRef": {"kind": "Pod", "name": p.metadata.name},
        }
        for p in pods
        if p.status
    ]
    made = decoded({
        "kind": "EndpointSlice",
        "metadata": {"name": "web-abc", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": endpoints or None,
        "ports": [{"name": name, "port": port, "protocol": "TCP"}] if port else None,
    })  # fmt: skip
    assert isinstance(made, EndpointSlice)
    return made


def snapshot(*objects: KubernetesObject, origin: str = "cluster", at: float = 0.0) -> Snapshot:
    """What a source read: the objects, and that it read them all."""
    kinds = ("Service", "EndpointSlice", "Pod")
    changes = [Change(at, value=o) for o in objects] + [Change(at, covered=Coverage(k, "shop")) for k in kinds]
    return fold(changes, origin=origin)


def scene(
    *objects: KubernetesObject,
    facts: Mapping[Need, Any] = {},
    target: Target = TARGET,
    origin: str = "cluster",
    at: float = 0.0,
) -> Scene:
    """The first scene of svc/web; a Service is added where none is given."""
    have = objects if any(isinstance(o, Service) for o in objects) else (service(), *objects)
    vantage = Vantage("pod", "shop", "node1", address="10.0.0.200")
    return scenes(target, snapshot(*have, origin=origin, at=at), FactStore(dict(facts)), vantage)[0]


def dialled(host: str, port: int, outcome: Outcome = Outcome.REFUSED, **more: Any) -> dict[Need, Handshake]:
    """A dial from a probe pod."""
    seen = Handshake(host, port, outcome, 0.0002, "probe-pod")
    return {Need(HANDSHAKE, Dial(host, port)): replace(seen, **more)}


def listening(name: str, *sockets: tuple[str, int]) -> dict[Need, Listeners]:
    """The listening sockets of a pod."""
    found = tuple(Socket(address, port, pid=1, process="httpd") for address, port in sockets)
    return {Need(LISTENERS, PodKey("shop", name)): Listeners(found, "exec")}
