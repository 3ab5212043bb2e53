"""The bench's crowd of Services as an API server tells of it, small enough for a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bench import crowd
from kubectl_refused.model.objects import EndpointSlice, Pod, Service
from kubectl_refused.model.snapshot import SeenObject
from kubectl_refused.sources.decoding import decode

KINDS = {"services": "Service", "pods": "Pod", "endpointslices": "EndpointSlice"}
TYPES: dict[str, Any] = {"Service": Service, "Pod": Pod, "EndpointSlice": EndpointSlice}


def crowded(services: int) -> list[dict[str, Any]]:
    """Services as JSON with what the API server adds, their pods and slices."""
    found = []
    for number, wanted in enumerate(crowd.of_services(services)):
        kind = KINDS.get(wanted.path.rpartition("/")[2])
        body = {**wanted.body, **({"status": wanted.status} if wanted.status else {})}
        if kind == "Service":
            address = f"10.96.{number // 250}.{number % 250 + 1}"
            ports = [{**port, "protocol": "TCP"} for port in body["spec"]["ports"]]
            body["spec"] = {**body["spec"], "ports": ports, "clusterIP": address, "clusterIPs": [address]}
        if kind:
            found.append({**msgspec.json.decode(msgspec.json.encode(body)), "kind": kind})
    return found


def decoded(bodies: Sequence[dict[str, Any]]) -> list[SeenObject]:
    """As a source reads them. Raises OddObject."""
    return [decode(msgspec.json.encode(body), TYPES[body["kind"]]) for body in bodies]
