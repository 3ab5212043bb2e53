"""Faults of pods that a rollout is replacing: their workload's template is mended already. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import WORKLOAD
from kubectl_refused.model.objects import Container
from kubectl_refused.model.scene import Scene, pod_key


def outdated(finding: Finding, scene: Scene) -> bool:
    """Whether the fix is in the template already, and a pod made from it is there to be looked at instead.

    A rollout whose new pods never become ready keeps the old ones, and their fault, for ever.
    """
    wanted = _containers(finding.fix.patch if finding.fix else None)
    if not wanted or scene.pod is None:
        return False
    workload = scene.known(WORKLOAD, pod_key(scene.pod))
    if workload is None or not _hold(workload.spec.template.spec.containers or (), wanted):
        return False
    others = (p for p in scene.pods if p.metadata.name != scene.pod.metadata.name)
    return any(_hold(other.spec.containers or (), wanted) for other in others)


def _containers(patch: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What a patch of a pod template sets in containers; nothing where it sets anything else."""
    found: Any = patch or {}
    for key in ("spec", "template", "spec", "containers"):
        found = found.get(key) if isinstance(found, dict) and len(found) == 1 else None
    return found if isinstance(found, list) else []


def _hold(containers: Iterable[Container], wanted: Iterable[dict[str, Any]]) -> bool:
    have = {c.name: msgspec.json.decode(msgspec.json.encode(c)) for c in containers}
    return all(_within(entry, have.get(entry.get("name", ""))) for entry in wanted)


def _within(wanted: Any, found: Any) -> bool:
    """Whether what is found has all that is wanted; lists must agree as a whole."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_within(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found)
