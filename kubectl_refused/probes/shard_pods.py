"""What the pods of a large scan have come to, by index: which is to be read, which is lost and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from kubectl_refused.model.objects import ContainerState, Pod, PodStatus
from kubectl_refused.probes.probe_pod_state import HOPELESS, NEVER_RAN, said, unschedulable, unwrapped
from kubectl_refused.text import one_line

INDEX = "batch.kubernetes.io/job-completion-index"
LONGEST = 300


class JobConditions(msgspec.Struct, frozen=True):
    """A condition of a Job."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class JobStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Of a Job's status what says that no more pods come; `failed_indexes` is like `1,3-5,7`."""

    conditions: tuple[JobConditions, ...] | None = None
    failed_indexes: str = ""


class ShardsJob(msgspec.Struct, frozen=True):
    """A Job as it is watched."""

    status: JobStatus = JobStatus()


@dataclass
class Shard:
    """One index. `pod` is its newest pod, `lost` counts those that ended or went away without an end."""

    index: int
    pod: Pod | None = None
    trouble: str = ""
    by_image: bool = False
    dialled: bool = False  # its container has ended well: the log is whole
    read: bool = False
    given_up: bool = False
    gone: set[str] = field(default_factory=set)

    @property
    def lost(self) -> int:
        """How many of its pods were lost."""
        return len(self.gone)

    @property
    def node(self) -> str:
        """Where its pod stands, empty while it stands nowhere."""
        return (self.pod.spec.node_name or "") if self.pod else ""


class Shards:
    """All of them, told pod by pod as a watch brings them."""

    def __init__(self, count: int, image: str) -> None:
        self.image = image
        self.shards = [Shard(index) for index in range(count)]

    def take(self, kind: str, pod: Pod) -> Shard | None:
        """Note what became of a pod; its Shard where it is to be read now."""
        shard = self._of(pod)
        if shard is None or shard.read or pod.metadata.uid in shard.gone:
            return None
        state, phase = _state(pod), (pod.status or PodStatus()).phase
        ended = state.terminated is not None and state.terminated.reason not in NEVER_RAN
        shard.pod = pod
        shard.dialled = bool(ended and state.terminated and state.terminated.exit_code == 0)
        if shard.dialled and kind != "DELETED":
            return shard
        if kind == "DELETED" or pod.metadata.deletion_timestamp or phase == "Failed" or ended:
            self._lose(shard, pod, kind, state)
            return None
        shard.trouble, shard.by_image = _trouble(pod, state, self.image)
        return None

    def close(self, status: JobStatus) -> None:
        """Give up what Kubernetes has given up."""
        over = next(
            (c for c in status.conditions or () if c.type in ("Failed", "Complete") and c.status == "True"), None
        )
        failed = set(indexes(status.failed_indexes, len(self.shards)))
        for shard in self.shards:
            if not shard.read and (over or shard.index in failed):
                shard.given_up = True
                shard.trouble = shard.trouble or (said(over.reason, over.message) if over else "")

    @property
    def open(self) -> list[Shard]:
        """Those that may still answer."""
        return [shard for shard in self.shards if not shard.read and not shard.given_up]

    @property
    def unable(self) -> str:
        """Why the image can run nowhere, where each pod that is there says so; empty else."""
        seen = [shard for shard in self.shards if shard.pod]
        if seen and all(shard.by_image for shard in seen):
            return seen[0].trouble
        return ""

    def _of(self, pod: Pod) -> Shard | None:
        text = (pod.metadata.annotations or {}).get(INDEX, "")
        index = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1
        return self.shards[index] if 0 <= index < len(self.shards) else None

    def _lose(self, shard: Shard, pod: Pod, kind: str, state: ContainerState) -> None:
        status = pod.status or PodStatus()
        code = state.terminated.exit_code if state.terminated else None
        why = "its pod was deleted" if kind == "DELETED" or pod.metadata.deletion_timestamp else ""
        if code:
            reason = state.terminated.reason if state.terminated else ""
            why = f"its pod ended with exit code {code}" + (f" ({one_line(reason, 40)})" if reason else "")
        shard.gone.add(pod.metadata.uid)
        shard.trouble = why or said(status.reason or "its pod failed", status.message)


def why_lost(shard: Shard) -> str:
    """One clause."""
    times = f" {shard.lost} times, and Kubernetes made no other" if shard.lost > 1 else ""
    why = shard.trouble or ("it was not done in time" if shard.pod else "no node took its pod in time")
    return one_line(f"{why}{times}", LONGEST)


def indexes(text: str, most: int) -> Iterator[int]:
    """The numbers in `1,3-5,7` (batch/v1 JobStatus), below `most`; what is none is left out."""
    for part in text.split(",")[: most + 1]:
        first, _, last = part.partition("-")
        if first.isascii() and first.isdigit() and (not last or (last.isascii() and last.isdigit())):
            yield from range(int(first[:9]), min(int((last or first)[:9]) + 1, most))


def _state(pod: Pod) -> ContainerState:
    """That of the init container, which dials."""
    statuses = (pod.status or PodStatus()).init_container_statuses or ()
    return statuses[0].state if statuses else ContainerState()


def _trouble(pod: Pod, state: ContainerState, image: str) -> tuple[str, bool]:
    """(why it cannot run as it stands, whether by its image)."""
    if state.terminated and state.terminated.reason in NEVER_RAN:
        return said(f"{image} cannot run the probe", unwrapped(state.terminated.message)), True
    if state.waiting and state.waiting.reason in HOPELESS:
        return said(state.waiting.reason, state.waiting.message or f"image {image}"), True
    condition = unschedulable(pod.status or PodStatus())
    return (said("Unschedulable", condition.message), False) if condition else ("", False)
