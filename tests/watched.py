"""Objects as a watch hands them on, in the few shapes that a story is made of."""

from __future__ import annotations

from typing import Any, cast

from kubectl_refused.model.objects import EndpointSlice, Event, Pod, Service
from tests.case_folders import decoded

ADDRESS = "10.1.0.1"


def service(name: str = "web", address: str = "10.96.3.7", **spec: Any) -> Service:
    ports = [{"port": 80, "targetPort": 8080, "nodePort": 30080}]
    return cast(Service, decoded({
        "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": address, "selector": {"app": name}, "ports": ports, **spec},
    }))  # fmt: skip


def pod(
    name: str = "web-1",
    *,
    app: str = "web",
    ready: bool = True,
    exits: int = 0,
    runs: bool = True,
    waits: str = "",
    leaves: bool = False,
    address: str = ADDRESS,
    uid: str = "1",
    version: str = "v1",
) -> Pod:
    ended = {"terminated": {"exitCode": 9, "reason": "Error"}}
    state: dict[str, Any] = {"running": {}} if runs else ended
    status = {
        "name": app, "ready": ready, "restartCount": exits - (not runs and not waits),
        "state": {"waiting": {"reason": waits}} if waits else state,
        "lastState": ended if exits and (runs or waits) else {},
    }  # fmt: skip
    return cast(Pod, decoded({
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": uid, "labels": {"app": app, "pod-template-hash": version},
            **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaves else {}),
        },
        "spec": {"nodeName": "node1", "containers": [{"name": app}]},
        "status": {
            "phase": "Running", "podIP": address, "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }))  # fmt: skip


def slice_of(
    app: str = "web", *, name: str = "web-a", ready: bool = True, address: str = ADDRESS
) -> EndpointSlice:
    return cast(EndpointSlice, decoded({
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": app}},
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    }))  # fmt: skip


def event(reason: str, message: str, *, of: str = "web-1", type_: str = "Warning") -> Event:
    about = {"kind": "Pod", "name": of, "namespace": "shop"}
    return cast(Event, decoded({
        "kind": "Event", "metadata": {"name": f"{of}.1", "namespace": "shop"}, "involvedObject": about,
        "reason": reason, "message": message, "type": type_,
    }))  # fmt: skip
