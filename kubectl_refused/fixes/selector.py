"""Changes of a Service's selector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene

from .change import service_change
from .trials import destinations

# Labels that controllers write, or that change with every version: a selector must not hold them.
_PASSING = (
    "pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash", "controller-uid", "job-name",
    "statefulset.kubernetes.io/", "apps.kubernetes.io/", "batch.kubernetes.io/", "app.kubernetes.io/version",
    "helm.sh/chart", "version",
)  # fmt: skip
# Customary keys that tell the parts of an app apart, the likeliest first (recommended labels of Kubernetes).
_TELLING = ("app.kubernetes.io/component", "component", "role", "tier", "app.kubernetes.io/name", "app", "name")


def lasting(labels: dict[str, str] | None) -> dict[str, str]:
    """The labels that outlive a version of the app."""
    return {key: value for key, value in (labels or {}).items() if not key.startswith(_PASSING)}


def narrowed(scene: Scene, kept: Sequence[Pod], left: Iterable[Pod]) -> Fix:
    """Select one more label that all of `kept` carry and none of `left`; in words where there is none."""
    common = set(lasting(kept[0].metadata.labels).items())
    for pod in kept[1:]:
        common &= set((pod.metadata.labels or {}).items())
    for pod in left:
        common -= set((pod.metadata.labels or {}).items())
    if not common:
        return Fix(
            summary=f"Give the pods that serve svc/{scene.target.name} a label of their own, and select it as well"
        )
    key, value = min(common, key=lambda pair: (_preference(pair[0]), pair))
    fix = service_change(scene, f"Select {key}={value} as well", {"selector": {key: value}})
    return replace(fix, leads_to=destinations(scene, kept))


def _preference(key: str) -> int:
    return _TELLING.index(key) if key in _TELLING else len(_TELLING)
