"""What runs of this tool left in the cluster: found by label, removed by name and UID."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from kubectl_refused.connection.errors import NotFound
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Metadata
from kubectl_refused.probes.probe_pod_manifest import DEADLINE, MANAGED_BY, NAME, RUN, TIME_TO_LIVE

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

# Older than any live run's object can be: its deadline, its time to live and the controllers' delay.
OVERDUE = DEADLINE + TIME_TO_LIVE + 30  # seconds


class _Labelled(msgspec.Struct):
    metadata: Metadata


@dataclass(frozen=True)
class Leftover:
    """A Job, or a pod that no Job owns. `age` in seconds by this machine's clock, so it may be a little wrong."""

    kind: str
    namespace: str
    name: str
    uid: str
    run_id: str
    age: float

    @property
    def overdue(self) -> bool:
        """Whether it should be gone by now: no live run has one that old."""
        return self.age > OVERDUE

    @property
    def path(self) -> str:
        """Its API path."""
        return job_path(self.namespace, self.name) if self.kind == "Job" else pod_path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


def leftovers(
    connection: Connection, namespace: str | None, *, kinds: tuple[str, ...] = ("Job", "Pod")
) -> list[Leftover]:
    """Objects of ours in a namespace (None: in all), those of live runs included: one LIST for each kind.

    Raises a ConnectionProblem where they may not be listed.
    """
    paths = {"Job": job_path, "Pod": pod_path}
    return [
        leftover
        for kind in kinds
        for page in connection.list_items(paths[kind](namespace), [("labelSelector", f"{MANAGED_BY}={NAME}")])
        for leftover in _decoded(kind, page)
    ]


def _decoded(kind: str, page: list[msgspec.Raw]) -> Iterator[Leftover]:
    for raw in page:
        try:
            meta = decoded(raw, _Labelled).metadata
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        # A Job's pod goes with its Job; one that is being deleted needs nobody.
        if meta.owner_references or meta.deletion_timestamp:
            continue
        run_id = (meta.labels or {}).get(RUN, "")
        yield Leftover(kind, meta.namespace, meta.name, meta.uid, run_id, _age(meta.creation_timestamp))


def _age(created: str | None) -> float:
    try:
        then = datetime.datetime.fromisoformat(created or "")
    except ValueError:
        return 0.0
    return (datetime.datetime.now(datetime.UTC) - then).total_seconds() if then.tzinfo else 0.0


def remove(connection: Connection, path: str, uid: str | None = None) -> None:
    """Delete a Job with its pod, or a pod; gone already is fine.

    Raises a ConnectionProblem; 409 when the object of that name is another one than `uid`.
    """
    with contextlib.suppress(NotFound):
        connection.delete(path, uid=uid, propagation="Background")


def job_path(namespace: str | None, name: str = "") -> str:
    """API path of a Job, or of all Jobs of a namespace (None: of all)."""
    return _path("/apis/batch/v1", namespace, "jobs", name)


def pod_path(namespace: str | None, name: str = "") -> str:
    """API path of a pod, or of all pods of a namespace (None: of all)."""
    return _path("/api/v1", namespace, "pods", name)


def _path(group: str, namespace: str | None, resource: str, name: str) -> str:
    place = f"/namespaces/{namespace}" if namespace is not None else ""
    return f"{group}{place}/{resource}" + (f"/{name}" if name else "")
