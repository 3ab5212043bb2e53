"""Whether objects promise that a dial could be accepted: what is waited for before anything is dialled. Pure."""

from __future__ import annotations

from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target, Vantage

from .scenes import scenes
from .statuses import running


def is_ready(target: Target, snapshot: Snapshot) -> bool:
    """Whether every port asked for has an endpoint that gets traffic; an alias has none of its own."""
    seen = scenes(target, snapshot, FactStore(), Vantage("objects"))
    if target.is_of_pods:
        return all(bool(scene.pods) and all(running(pod) for pod in scene.pods) for scene in seen)
    return bool(seen) and all(
        scene.service is not None
        and (scene.service.spec.type == "ExternalName" or (scene.port is not None and bool(scene.ready_endpoints)))
        for scene in seen
    )
