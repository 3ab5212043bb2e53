"""What the kubelet reports of a pod's containers. A pod from a manifest has no status: nothing is reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from kubectl_refused.model.objects import Condition, ContainerStateTerminated, ContainerStatus, Pod


class Reported(Struct, frozen=True):
    """One container as its pod's status shows it; `init` for an init container."""

    status: ContainerStatus
    init: bool = False

    @property
    def shown(self) -> str:
        """`container web` or `init container setup`."""
        return f"{'init ' if self.init else ''}container {self.status.name}"

    @property
    def field(self) -> str:
        """The path of its entry in the pod."""
        return f"status.{'initContainerStatuses' if self.init else 'containerStatuses'}[{self.status.name}]"

    @property
    def last_exit(self) -> ContainerStateTerminated | None:
        """How it ended: just now, or the time before; None where it never did."""
        return self.status.state.terminated or self.status.last_state.terminated


def reported(pod: Pod) -> Iterator[Reported]:
    """Init containers first, as they run first; nothing for a pod that is being deleted or was evicted."""
    if pod.status is None or pod.metadata.deletion_timestamp or pod.status.reason:
        return
    yield from (Reported(s, init=True) for s in pod.status.init_container_statuses or ())
    yield from (Reported(s) for s in pod.status.container_statuses or ())


def running(pod: Pod) -> bool:
    """Whether every main container of the pod runs."""
    statuses = [r.status for r in reported(pod) if not r.init]
    return bool(statuses) and all(s.state.running is not None for s in statuses)


def seconds(timestamp: str | None) -> float | None:
    """RFC 3339 text as seconds since the epoch; None for none, or for what is no time."""
    try:
        return datetime.fromisoformat(timestamp).timestamp() if timestamp else None
    except ValueError:
        return None


def condition(pod: Pod, type_: str) -> Condition | None:
    """The pod's condition of that type (PodScheduled, Ready), or None."""
    return next((c for c in (pod.status.conditions if pod.status else None) or () if c.type == type_), None)
