"""What manifests cannot tell, whatever is in them. The report lists it: silence is no proof. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.scene import Scene

NOT_CHECKED = Gap(
    "whether pods start and become ready, what they listen on, and what policies and proxies let through",
    "only a live cluster tells",
    "deploy, then ask without -f",
)


def only_live(scene: Scene) -> Iterator[Gap]:
    """The Gap of a path that files describe."""
    if not scene.from_files or scene.service is None or scene.port is None:
        return
    yield NOT_CHECKED
