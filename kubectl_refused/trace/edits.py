"""Who changed an object last, and when, as the API server keeps it in managedFields. Pure."""

from __future__ import annotations

from msgspec import Struct

from kubectl_refused.model.objects import ManagedFields, Metadata

from .statuses import seconds

# Their edits follow from somebody else's; what they scale is news of its own (a HorizontalPodAutoscaler).
_CONTROLLERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager"})
# managedFields have whole seconds, and are written a moment before creationTimestamp.
_SAME_MOMENT = 1.0


class Edit(Struct, frozen=True):
    """The last change of an object: when (seconds since the epoch), by which manager, and of what kind."""

    at: float
    by: str
    created: bool = False
    scaled: bool = False

    @property
    def told(self) -> str:
        """`changed`, `scaled` or `created`."""
        return "created" if self.created else "scaled" if self.scaled else "changed"


def last_edit(metadata: Metadata) -> Edit | None:
    """The newest change that is no status and no controller's own; None where nothing tells.

    What server-side apply left as it was keeps its old time (structured-merge-diff), so only real changes count.
    """
    times = [(at, entry) for entry in metadata.managed_fields or () if (at := _time(entry)) is not None]
    if not times:
        return None
    at, entry = max(times, key=lambda pair: pair[0])
    born = seconds(metadata.creation_timestamp)
    created = born is not None and at - born <= _SAME_MOMENT
    return Edit(at, entry.manager, created, entry.subresource == "scale" or entry.manager == "kubectl-scale")


def editor_at(metadata: Metadata, at: float, within: float) -> str:
    """The manager whose change is nearest to that time, empty where none came so near."""
    near = [(abs(time - at), e.manager) for e in metadata.managed_fields or () if (time := _time(e)) is not None]
    distance, manager = min(near, default=(within + 1, ""))
    return manager if distance <= within else ""


def _time(entry: ManagedFields) -> float | None:
    """When somebody edited, None for status and for what controllers do by themselves."""
    if entry.subresource == "scale":
        return seconds(entry.time)
    return None if entry.subresource or entry.manager in _CONTROLLERS else seconds(entry.time)
