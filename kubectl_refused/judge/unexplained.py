"""A path that cannot work, as no endpoint gets traffic, although no cause says why: it must not look healthy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.rulings import Ruling
from kubectl_refused.trace.statuses import condition

WHAT = "why no endpoint is ready"


def unexplained(ruling: Ruling) -> bool:
    """Whether a Service port of a cluster was seen without any ready endpoint, and no cause found anything."""
    scene = ruling.scene
    if ruling.found or scene.from_files or scene.service is None or scene.port is None or scene.ready_endpoints:
        return False
    return scene.snapshot.read("EndpointSlice", scene.target.namespace)


def unexplained_gaps(rulings: Iterable[Ruling]) -> Iterator[Gap]:
    """For each such path what its pods say of it."""
    return (Gap(WHAT, _said(ruling.scene)) for ruling in rulings if unexplained(ruling))


def _said(scene: Scene) -> str:
    """The Ready condition of the first pod that is not ready, in its own words."""
    if not scene.pods:
        return "no pod was seen behind the Service that could tell"
    conditions = [found for pod in scene.pods if (found := condition(pod, "Ready"))]
    waiting = next((c for c in conditions if c.status != "True"), None)
    if waiting is None:
        known = len(conditions) == len(scene.pods)
        return "its pods are ready, their endpoints are not" if known else "its pods have no Ready condition yet"
    words = ": ".join(filter(None, (waiting.reason, waiting.message))) or waiting.status
    return f"the pods' Ready condition says: {one_line(words)}"
