"""Label selectors, matched as the API server does (apimachinery pkg/labels)."""

from __future__ import annotations

from kubectl_refused.model.objects import Labels, LabelSelector, Pod
from kubectl_refused.model.snapshot import Snapshot


def carries(labels: Labels | None, wanted: Labels) -> bool:
    """Whether `labels` hold every pair of `wanted`."""
    return wanted.items() <= (labels or {}).items()


def pods_anywhere(snapshot: Snapshot, wanted: Labels) -> tuple[Pod, ...]:
    """The pods that were read of any namespace and hold every pair of `wanted`."""
    near = (pod for namespace in snapshot.index.pods for pod in snapshot.pods_like(namespace, wanted))
    return tuple(pod for pod in near if carries(pod.metadata.labels, wanted))


def selects(selector: LabelSelector, labels: Labels | None) -> bool:
    """Whether a LabelSelector selects `labels`; an empty one selects everything."""
    have = labels or {}
    if not carries(have, selector.match_labels or {}):
        return False
    for requirement in selector.match_expressions or ():
        value, values = have.get(requirement.key), requirement.values or ()
        held = {
            "In": value is not None and value in values,
            "NotIn": value is None or value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }.get(requirement.operator, False)
        if not held:
            return False
    return True
