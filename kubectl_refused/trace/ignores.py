"""Findings that somebody wants ignored: by a rule, or by an annotation on an object of the path. Pure.

They are still found, since what is behind them must not be taken for them, and counted; they are no fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from kubectl_refused.causes import Cause
from kubectl_refused.causes.names import is_called
from kubectl_refused.model.facts import WORKLOAD
from kubectl_refused.model.objects import Metadata
from kubectl_refused.model.scene import Scene, pod_key

ANNOTATION = "refused.dev/ignore"
ALL = "*"


class Ignored(Struct, frozen=True):
    """By whom a finding is ignored (`annotation of svc/web`, `.kubectl-refused.yaml:3`), and why if it is told."""

    by: str
    reason: str = ""


class IgnoreRule(Struct, frozen=True):
    """Ignore a cause (its code or name in lower case) of the Services that both patterns match.

    Patterns are those of file names: `*` and `?`.
    """

    cause: str
    by: str
    namespace: str = ALL
    service: str = ALL
    reason: str = ""

    def matches(self, cause: Cause, scene: Scene) -> bool:
        """Whether the rule is about this cause at this target."""
        target = scene.target
        patterns = ((target.namespace, self.namespace), (target.name, self.service))
        return is_called(cause, self.cause) and all(fnmatchcase(*pair) for pair in patterns)


class Ignores(Struct, frozen=True):
    """All that is to be ignored. Annotations count only with `annotations`: a scan's business."""

    rules: tuple[IgnoreRule, ...] = ()
    annotations: bool = False

    def of(self, cause: Cause, scene: Scene) -> Ignored | None:
        """Who wants the cause's findings at this view of a path ignored, if anybody does."""
        for rule in self.rules:
            if rule.matches(cause, scene):
                return Ignored(rule.by, rule.reason)
        for what, metadata in annotated(scene) if self.annotations else ():
            if any(is_called(cause, name) for name in ignored_names(metadata)):
                return Ignored(f"annotation of {what}")
        return None


NOTHING_IGNORED = Ignores()


def ignored_names(metadata: Metadata) -> list[str]:
    """The names in the annotation of one object."""
    names = (metadata.annotations or {}).get(ANNOTATION, "").split(",")
    return [name for name in names if name.strip()]


def annotated(scene: Scene) -> Iterator[tuple[str, Metadata]]:
    """The Service; the pod looked at, and its workload where somebody has read it."""
    if scene.service is not None:
        yield f"svc/{scene.target.name}", scene.service.metadata
    if scene.pod is None:
        return
    yield f"pod/{scene.pod.metadata.name}", scene.pod.metadata
    workload = scene.known(WORKLOAD, pod_key(scene.pod))
    if workload is not None:
        yield f"{workload.kind.lower()}/{workload.metadata.name}", workload.metadata
