"""A client's variable put right: in its container's spec, or in the ConfigMap it comes from."""

from __future__ import annotations

import json

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import ConfigMap, Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import mask
from kubectl_refused.trace.client_settings import MOST_CHARACTERS, Told

from .change import change, command, container_change
from .owner import source_of
from .restart import restart


def setting_change(scene: Scene, pod: Pod, told: Told, wanted: str, summary: str, held: ConfigMap | None) -> Fix:
    """Write `wanted` for the address; in words only where the value may hold a secret or is not known whole."""
    value = told.variable.value
    secret = "@" in value or mask(value) != value
    words = secret or told.address not in value or len(value) >= MOST_CHARACTERS or not wanted
    mended = value.replace(told.address, wanted, 1)
    if not told.variable.config_map:
        if words:
            return Fix(summary=f"{summary} of container {told.container}")
        entry = {"name": told.name, "value": mended}
        return container_change(scene, pod, told.container, summary, {"env": [entry]})
    where = f"configmap/{told.variable.config_map}"
    if words or held is None or held.immutable:
        return Fix(summary=f"{summary} (key {told.variable.key} of {where})", owner=where)
    return _in_config_map(scene, pod, held, summary, {"data": {told.variable.key: mended}})


def _in_config_map(scene: Scene, pod: Pod, held: ConfigMap, summary: str, patch: dict[str, dict[str, str]]) -> Fix:
    """Two commands, since a variable is read when its container starts. Nothing of ours sends them."""
    name = f"configmap/{held.metadata.name}"
    again = restart(scene, pod, "start the client anew")
    if scene.from_files or source_of(held.metadata) or not again.command:
        told = change(scene, "ConfigMap", held.metadata, summary=summary, patch=patch)
        return Fix(summary=told.summary, patch=patch, owner=told.owner or name)
    words = ("patch", name, "-p", json.dumps(patch, separators=(",", ":")))
    line = command(scene, *words, namespace=held.metadata.namespace)
    return Fix(
        summary=f"{summary} ({name}), and {again.summary}", command=f"{line} && {again.command}", patch=patch
    )
