"""Changes of EndpointSlices and Endpoints that people wrote. Their lists are atomic: JSON patches (RFC 6902)."""

from __future__ import annotations

import json
from typing import Any

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import EndpointSlice, Metadata
from kubectl_refused.model.scene import Scene

from .change import change
from .requests import request

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
MIRRORER = "endpointslicemirroring-controller.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"


def writer(part: EndpointSlice) -> str:
    """Who keeps the slice: the label's value, or empty for one that a person wrote."""
    return (part.metadata.labels or {}).get(MANAGED_BY, "")


def source_of_slice(scene: Scene, name: str) -> str:
    """Where a slice's endpoints are written: `endpoints/db` for a mirrored one, else `endpointslice/NAME`."""
    mirrored = any(s.metadata.name == name and writer(s) == MIRRORER for s in scene.slices)
    return f"endpoints/{scene.target.name}" if mirrored else f"endpointslice/{name}"


def slice_port_change(scene: Scene, part: EndpointSlice, index: int, *, key: str, value: str) -> Fix:
    """Set `name` or `protocol` of one port: in the slice, or in the Endpoints that it mirrors.

    Endpoints of several port sets become several slices, so that the place in them is not known then: in words.
    """
    port = f"port {(part.ports or ())[index].port}"
    summary = f"Set the {key} of {port} to {value}" if value else f"Take the name from {port}"
    if writer(part) != MIRRORER:
        return _patched(scene, "EndpointSlice", part.metadata, summary, f"/ports/{index}/{key}", value)
    assert scene.service is not None
    if len(scene.snapshot.slices_of(scene.service)) > 1 or len(part.ports or ()) > 1:
        return Fix(summary=f"{summary} (endpoints/{scene.target.name})", owner=f"endpoints/{scene.target.name}")
    mirrored = Metadata(name=scene.target.name, namespace=scene.target.namespace)
    return _patched(scene, "Endpoints", mirrored, summary, f"/subsets/0/ports/0/{key}", value)


def labelled(scene: Scene, part: EndpointSlice) -> Fix:
    """Give the slice the label that ties it to the Service."""
    body = {"metadata": {"labels": {SERVICE_NAME: scene.target.name}}}
    words = ("label", f"{SERVICE_NAME}={scene.target.name}", "--overwrite")
    sent = request("EndpointSlice", scene.target.namespace, part.metadata.name, body)
    summary = f"Label it {SERVICE_NAME}={scene.target.name}"
    return change(scene, "EndpointSlice", part.metadata, summary=summary, patch=body, verb=words, sent=sent)


def _patched(scene: Scene, kind: str, metadata: Metadata, summary: str, path: str, value: str) -> Fix:
    # `add` replaces a member that is there (RFC 6902, 4.1).
    operations: list[dict[str, Any]] = [{"op": "add", "path": path, "value": value}]
    sent = request(kind, scene.target.namespace, metadata.name, operations)
    words = ("patch", "--type=json", "-p", json.dumps(operations, separators=(",", ":")))
    return change(scene, kind, metadata, summary=summary, patch={"operations": operations}, verb=words, sent=sent)
