"""Changes of an Ingress or a route: JSON patches, as their lists have no keys to merge by."""

from __future__ import annotations

import json
from typing import Any

from kubectl_refused.model.entrances import Door, Owner
from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.trace.entrances import entrance_subject

from .change import command
from .owner import source_of
from .requests import request

_INDEX = lazily(r"\[(\d+)\]")


def pointer(field: str) -> str:
    """`spec.rules[0].backendRefs[1]` as a JSON pointer (RFC 6901)."""
    return "/" + _INDEX.sub(r"/\1", field).replace(".", "/")


def door_change(scene: Scene, door: Door, summary: str, field: str, value: object) -> Fix:
    """Set one field of the door's owner, beneath its backend."""
    return owner_change(scene, door.owner, summary, f"{door.field}.{field}", value)


def owner_change(scene: Scene, owner: Owner, summary: str, field: str, value: object) -> Fix:
    """Set one field of an Ingress or a route, whether or not it is there (`add` does both: RFC 6902, 4.1).

    In a list `add` would put another element in front of it.
    """
    kind = type(owner).__name__
    patch: list[dict[str, Any]] = [
        {"op": "replace" if field.endswith("]") else "add", "path": pointer(field), "value": value}
    ]
    name = entrance_subject(owner)
    line = scene.snapshot.lines.get((kind, owner.metadata.namespace, owner.metadata.name))
    kept_in = source_of(owner.metadata) or (f"file {line}" if line else None)
    told = f"{summary} ({name}" + (f", in {kept_in})" if kept_in else ")")
    sent = None if scene.from_files else request(kind, owner.metadata.namespace, owner.metadata.name, patch)
    if scene.from_files or kept_in or sent is None:
        return Fix(summary=told, owner=kept_in, request=sent)
    words = ("patch", name, "--type=json", "-p", json.dumps(patch, separators=(",", ":")))
    return Fix(summary=told, command=command(scene, *words, namespace=owner.metadata.namespace), request=sent)
